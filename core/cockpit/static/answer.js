// One answer as it comes in: text, reasoning, tool calls, images; then what stands below it.
// All of it is text nodes: what a model says is never HTML.

import { h } from "./dom.js";
import { foot } from "./foot.js";

export class Answer {
  text = document.createTextNode("");
  calls = [];
  #thought = document.createTextNode("");
  #reasoning = h("details", { class: "reasoning", hidden: true }, h("summary", { say: "reasoning" }), h("div", { class: "text" }, this.#thought));
  #body = h("div", { class: "text" }, this.text);
  #calls = h("div", { class: "calls" });
  #foot = h("div", { class: "foot" });
  element;

  constructor(model) {
    this.element = h("article", { class: "message assistant" }, h("h3", {}, model), this.#reasoning, this.#body, this.#calls, this.#foot);
  }

  /** What the pieces of the answer do here. */
  get on() {
    return {
      text: (piece) => this.text.appendData(piece),
      reasoning: (piece) => {
        this.#reasoning.hidden = false;
        this.#thought.appendData(piece);
      },
      tool: (call) => this.#tool(call),
      image: (url) => this.#calls.append(image(url)),
    };
  }

  /** How it came to an end. `replied` gets what the tools are to have answered. */
  finish(outcome, replied) {
    this.#foot.replaceChildren(...foot(outcome, this.calls.length > 0 && toolReply(replied)));
  }

  /** The message for the rest of the conversation; none where nothing came. */
  get message() {
    if (!this.text.data && !this.calls.length) return null;
    const calls = this.calls.map(({ id, name, args }) => ({ id, type: "function", function: { name: name.data, arguments: args.data } }));
    return { role: "assistant", content: this.text.data || null, ...(calls.length && { tool_calls: calls }) };
  }

  #tool({ index, id, function: { name, arguments: args } }) {
    let call = this.calls[index];
    if (!call) {
      call = this.calls[index] = { id, name: document.createTextNode(""), args: document.createTextNode("") };
      this.#calls.append(h("div", { class: "call" }, h("strong", {}, call.name), h("code", {}, call.args)));
    }
    call.name.appendData(name ?? "");
    call.args.appendData(args ?? "");
  }
}

function toolReply(replied) {
  const field = h("input", { name: "tool-result", label: "tool.result", hint: "tool.result" });
  const form = h("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    form.remove();
    replied(field.value);
  } }, field, h("button", { class: "small", say: "tool.send" }));
  return form;
}

/** Only what came with the answer is shown; a picture elsewhere is named, so that no request leaves this origin. */
function image(url) {
  return url.startsWith("data:image/") ? h("img", { src: url, alt: "", class: "picture" }) : h("code", {}, url);
}
