// Each provider with its tokens: how they do, until when, and why.

import { button, h } from "./dom.js";
import { language } from "./language.js";
import { session } from "./session.js";

export class CockpitProviders extends HTMLElement {
  #list = h("div", { class: "grid" });

  connectedCallback() {
    this.replaceChildren(
      h("div", { class: "row" }, h("h2", { say: "panel.providers" }), h("span", { class: "gap" }),
        button("refresh", () => this.shown(), { class: "small" })),
      this.#list);
  }

  async shown() {
    try {
      this.#list.replaceChildren(...(await session.json("api/providers")).data.map(card));
    } catch (error) {
      this.#list.replaceChildren(h("p", { class: "problem", say: "failed", values: { problem: String(error) } }));
    }
  }
}

function card(provider) {
  const state = provider.problem ? "broken" : provider.benched ? "benched" : "ready";
  return h("section", { class: "card" },
    h("div", { class: "row" }, h("h3", {}, provider.name), h("span", { class: "muted" }, provider.kind),
      h("span", { class: "gap" }), badge(state)),
    provider.problem && h("p", { class: "problem" }, provider.problem),
    provider.reason && h("p", { class: "muted" }, provider.reason),
    h("p", { class: "muted", say: provider.models === null ? "providers.unasked" : "providers.models",
      values: { n: provider.models } }),
    h("ul", { class: "tokens" }, provider.tokens.map(token)));
}

function token({ label, models, ...own }) {
  return h("li", {}, line(h("code", {}, label), own),
    models.length > 0 && h("ul", {}, models.map(({ model, ...rest }) => h("li", {}, line(model, rest)))));
}

function line(name, { state, until, reason }) {
  return h("div", { class: "row" }, h("span", { class: "grow" }, name), badge(state),
    until && h("span", { class: "muted", say: "until", values: { time: clock(until) } }),
    reason && h("code", { class: "muted" }, reason));
}

function badge(state) {
  return h("span", { class: "badge", "data-state": state, say: `token.${state}` });
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit" });
}
