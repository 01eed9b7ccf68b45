// A conversation with any model.

import { Answer } from "./answer.js";
import { ask } from "./chat.js";
import { Composer } from "./composer.js";
import { button, h } from "./dom.js";
import { options } from "./kinds.js";
import { Parameters } from "./parameters.js";

export class Conversation {
  #model = h("select", { name: "model", label: "model" });
  #log = h("div", { class: "log", role: "log", label: "conversation", tabindex: "0" });
  #parameters = new Parameters();
  #composer = new Composer((content) => this.#say({ role: "user", content }), () => this.#stop());
  #messages = [];
  #running = null;

  element = h("div", { class: "conversation" },
    h("div", { class: "row" }, this.#model, button("new", () => this.#clear(), { class: "small" })),
    this.#parameters.element, this.#log, this.#composer.element);

  constructor() {
    this.#clear();
  }

  set models(models) {
    this.#model.replaceChildren(...options(models));
  }

  choose(model) {
    this.#model.value = model;
  }

  focus() {
    this.#composer.focus();
  }

  dispose() {
    this.#stop();
  }

  #stop() {
    this.#running?.abort();
  }

  #clear() {
    this.#stop();
    this.#messages = [];
    this.#log.replaceChildren(h("p", { class: "muted empty", say: "terminal.empty" }));
  }

  async #say(message) {
    if (!this.#messages.length) this.#log.replaceChildren();
    this.#messages.push(message);
    this.#log.append(spoken(message));
    await this.#answer();
  }

  async #answer() {
    const messages = this.#messages;
    const answer = new Answer(this.#model.value);
    const running = (this.#running = new AbortController());
    this.#log.append(answer.element);
    this.#busy(true);
    const outcome = await ask(this.#parameters.body(this.#model.value, [...messages]), running.signal, this.#followed(answer.on));
    if (answer.message) messages.push(answer.message);
    answer.finish(outcome, (result) => this.#reply(messages, answer.calls, result));
    if (this.#running === running) this.#busy(false);
    this.#follow();
  }

  #reply(messages, calls, result) {
    if (messages !== this.#messages) return;
    for (const { id } of calls) messages.push({ role: "tool", tool_call_id: id, content: result });
    this.#log.append(spoken({ role: "tool", content: result }));
    this.#answer();
  }

  #busy(busy) {
    this.#composer.busy = busy;
    this.#log.setAttribute("aria-busy", String(busy));
    this.#follow();
  }

  /** The same, keeping the end of the conversation in sight for whoever is looking at it. */
  #followed(on) {
    return Object.fromEntries(Object.entries(on).map(([name, act]) => [name, (piece) => {
      const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 80;
      act(piece);
      if (atEnd) this.#follow();
    }]));
  }

  #follow() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }
}

function spoken({ role, content }) {
  const parts = Array.isArray(content) ? content : [{ type: "text", text: content }];
  return h("article", { class: `message ${role}` }, h("h3", { say: `role.${role}` }),
    parts.map((part) => part.type === "text"
      ? h("div", { class: "text" }, part.text)
      : h("img", { src: part.image_url.url, alt: "", class: "picture" })));
}
