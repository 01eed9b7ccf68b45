// Every model by provider, searchable, each to be tried or copied.

import { button, copyButton, h, labelled } from "./dom.js";
import { bind } from "./language.js";
import { session } from "./session.js";

export class CockpitModels extends HTMLElement {
  #search = h("input", { type: "search", name: "search", hint: "models.hint", oninput: () => this.#render() });
  #count = h("p", { class: "muted", role: "status" });
  #list = h("div");
  #models = [];

  connectedCallback() {
    this.replaceChildren(h("h2", { say: "panel.models" }), labelled("models.search", this.#search), this.#count, this.#list);
  }

  async shown() {
    try {
      this.#models = (await session.json("api/models")).data;
      this.#render();
    } catch (error) {
      bind(this.#count, "failed", { values: { problem: String(error) } });
    }
  }

  #render() {
    const wanted = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.#models.filter((model) => {
      const text = `${model.id} ${model.provider} ${model.owner} ${model.description}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    bind(this.#count, "models.count", { values: { n: found.length, all: this.#models.length } });
    const groups = byProvider(found);
    this.#list.replaceChildren(...[...groups].map(([provider, models]) =>
      h("section", {}, h("h3", {}, provider, " ", h("span", { class: "muted" }, `${models.length}`)),
        h("ul", { class: "models" }, models.map(card)))));
  }
}

export function byProvider(models) {
  const groups = new Map();
  for (const model of models) groups.set(model.provider, [...(groups.get(model.provider) ?? []), model]);
  return groups;
}

function card(model) {
  const chips = [
    model.tools && h("span", { class: "chip", say: "can.tools" }),
    model.images && h("span", { class: "chip", say: "can.images" }),
    model.context_length && h("span", { class: "chip" }, `${Math.round(model.context_length / 1000)}k`),
  ];
  return h("li", { class: "card" },
    h("code", { class: "name" }, model.id),
    model.description && h("p", { class: "muted" }, model.description),
    h("div", { class: "row" }, chips, h("span", { class: "gap" }),
      button("try", () => document.dispatchEvent(new CustomEvent("try", { detail: model.id })), { class: "small" }),
      copyButton(() => model.id)));
}
