// The settings of each client, filled with this endpoint, to be copied; and a request as that client sends it.

import { button, copyButton, h } from "./dom.js";
import { byKind, options } from "./kinds.js";
import { bind, language } from "./language.js";
import { session } from "./session.js";

const HIDDEN = "••••••••";
const MESSAGES = [{ role: "user", content: "ping" }];

/** How each API is asked for a few words, and where they stand in its answer. */
const APIS = {
  "v1/chat/completions": {
    body: (model) => ({ model, messages: MESSAGES, max_tokens: 20 }),
    text: ({ choices }) => choices[0].message.content,
  },
  "v1/responses": {
    body: (model) => ({ model, input: "ping", max_output_tokens: 20 }),
    text: ({ output }) => output.find(({ type }) => type === "message")?.content[0].text,
  },
  "v1/messages": {
    body: (model) => ({ model, messages: MESSAGES, max_tokens: 20 }),
    text: ({ content }) => content.find(({ type }) => type === "text")?.text,
  },
};

export class CockpitConnect extends HTMLElement {
  #show = h("input", { type: "checkbox", name: "show-key", onchange: () => this.#render() });
  #model = h("select", { name: "model", label: "model", onchange: () => this.#render() });
  #list = h("div", { class: "grid clients" });
  #clients = [];
  #listening = new AbortController();

  connectedCallback() {
    this.replaceChildren(
      h("h2", { say: "panel.connect" }), h("p", { class: "muted", say: "connect.about" }),
      h("div", { class: "card" }, setting("Base URL", `${session.endpoint}v1`), this.#keySetting(),
        h("div", { class: "row setting" }, h("span", { class: "term", say: "model" }), this.#model, copyButton(() => this.#model.value)),
        h("label", { class: "check" }, this.#show, h("span", { say: "connect.show" }))),
      this.#list);
    document.addEventListener("language", () => this.#render(), { signal: this.#listening.signal });
  }

  disconnectedCallback() {
    this.#listening.abort();
  }

  async shown() {
    if (this.#clients.length) return;
    try {
      const [clients, { data }] = await Promise.all([
        fetch(new URL("clients.json", import.meta.url)).then((answer) => answer.json()), session.json("api/models")]);
      this.#model.replaceChildren(...options(byKind(data).get("chat") ?? []));
      this.#clients = clients;
      this.#render();
    } catch (error) {
      this.#list.replaceChildren(h("p", { class: "problem", say: "failed", values: { problem: String(error) } }));
    }
  }

  #keySetting() {
    const shown = h("code", { class: "grow" }, HIDDEN);
    this.#show.addEventListener("change", () => (shown.textContent = this.#key()));
    return h("div", { class: "row setting" }, h("span", { class: "term", say: "key" }), shown, copyButton(() => session.key));
  }

  #key() {
    return this.#show.checked ? session.key : HIDDEN;
  }

  #fill(template, key = this.#key()) {
    const known = { root: session.endpoint.slice(0, -1), base: `${session.endpoint}v1`, key, model: this.#model.value || "MODEL" };
    return template.replace(/\{(root|base|key|model)\}/g, (_, name) => known[name]);
  }

  #render() {
    this.#list.replaceChildren(...this.#clients.map((client) => this.#card(client)));
  }

  #card({ name, where, fields = [], code, note, path }) {
    const result = h("p", { class: "muted", role: "status" });
    return h("section", { class: "card" },
      h("h3", {}, name),
      where && h("p", { class: "muted" }, where[language()]),
      fields.map(([label, value]) => setting(label, this.#fill(value), () => this.#fill(value, session.key))),
      code && h("pre", { tabindex: "0", class: "code" }, this.#fill(code)),
      note && h("p", { class: "muted" }, note[language()]),
      h("div", { class: "row" }, code && copyButton(() => this.#fill(code, session.key)),
        path in APIS && button("connect.test", () => this.#test(path, result), { class: "small" })),
      result);
  }

  /** A few words from the API that this client calls. */
  async #test(path, result) {
    const started = performance.now();
    bind(result, "state.requesting");
    try {
      const answer = await session.request(path, { body: APIS[path].body(this.#model.value) });
      const text = APIS[path].text(await answer.json()) ?? "";
      const ms = Math.round(performance.now() - started);
      bind(result, "connect.works", { values: { ms, text: text.slice(0, 60) } });
    } catch (error) {
      bind(result, "failed", { values: { problem: String(error) } });
    }
  }
}

function setting(term, value, copied = () => value) {
  return h("div", { class: "row setting" }, h("span", { class: "term" }, term), h("code", { class: "grow" }, value), copyButton(copied));
}
