// Every model by what it makes and by provider, searchable, each to be tried or copied.

import { button, copyButton, h, labelled } from "./dom.js";
import { byKind, byProvider } from "./kinds.js";
import { bind, say } from "./language.js";
import { session } from "./session.js";

export class CockpitModels extends HTMLElement {
  #search = h("input", { type: "search", name: "search", hint: "models.hint", oninput: () => this.#render() });
  #kinds = h("div", { class: "row", role: "group", label: "terminal.kinds" });
  #kind = null;
  #count = h("p", { class: "muted", role: "status" });
  #list = h("div", { class: "stack" });
  #models = [];

  connectedCallback() {
    this.replaceChildren(h("h2", { say: "panel.models" }), labelled("models.search", this.#search), this.#kinds, this.#count, this.#list);
  }

  async shown() {
    try {
      this.#models = (await session.json("api/models")).data;
      this.#choose(this.#kind);
    } catch (error) {
      bind(this.#count, "failed", { values: { problem: String(error) } });
    }
  }

  /** Show only this kind; all of them where it is none of those that there are. */
  #choose(kind) {
    const kinds = byKind(this.#models);
    this.#kind = kinds.has(kind) ? kind : null;
    const entries = [[null, this.#models], ...kinds];
    this.#kinds.hidden = kinds.size < 2;
    this.#kinds.replaceChildren(...entries.map(([one, { length }]) => {
      const words = h("span", { say: one ? `kind.${one}` : "models.all" });
      return h("button", { type: "button", class: "small", "aria-pressed": String(one === this.#kind), "data-kind": one ?? "",
        onclick: () => this.#chooseAgain(one) }, words, " ", h("span", { class: "muted" }, length));
    }));
    this.#render();
  }

  #chooseAgain(kind) {
    this.#choose(kind);
    this.#kinds.querySelector(`[data-kind="${kind ?? ""}"]`).focus();
  }

  #render() {
    const wanted = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.#models.filter((model) => {
      const { id, provider, owner, description, kind } = model;
      const text = `${id} ${provider} ${owner} ${description} ${kind} ${say(`kind.${kind}`)}`.toLowerCase();
      return (!this.#kind || kind === this.#kind) && wanted.every((word) => text.includes(word));
    });
    bind(this.#count, "models.count", { values: { n: found.length, all: this.#models.length } });
    this.#list.replaceChildren(...(found.length ? [...byKind(found)].map(section) : [h("p", { class: "muted", say: "models.none" })]));
  }
}

function section([kind, models]) {
  return h("section", { class: "kind" },
    h("h3", {}, h("span", { say: `kind.${kind}` }), " ", h("span", { class: "muted" }, models.length)),
    [...byProvider(models)].map(([provider, own]) => [
      h("h4", {}, provider, " ", h("span", { class: "muted" }, own.length)),
      h("ul", { class: "models" }, own.map(card)),
    ]));
}

function card(model) {
  const chips = [
    model.tools && h("span", { class: "chip", say: `can.tools.${model.tools}` }),
    model.images && h("span", { class: "chip", say: "can.images" }),
    model.context_length && h("span", { class: "chip" }, `${Math.round(model.context_length / 1000)}k`),
  ];
  return h("li", { class: "card" },
    h("code", { class: "name" }, model.id),
    model.description && h("p", { class: "muted" }, model.description),
    h("div", { class: "row" }, chips, h("span", { class: "gap" }),
      button("try", () => document.dispatchEvent(new CustomEvent("try", { detail: model })), { class: "small" }),
      copyButton(() => model.id)));
}
