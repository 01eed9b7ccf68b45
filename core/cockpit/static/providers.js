// Each provider with its tokens: how they do, until when and why, and what is left on their accounts.

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
      const accounts = new Map();
      this.#list.replaceChildren(...(await session.json("api/providers")).data.map((provider) => card(provider, accounts)));
      await showCredit(accounts);
    } catch (error) {
      this.#list.replaceChildren(h("p", { class: "problem", say: "failed", values: { problem: String(error) } }));
    }
  }
}

/** Upstreams are asked for it, so it comes after all else, and may fail alone. */
async function showCredit(accounts) {
  const { data } = await session.json("api/credit").catch(() => ({ data: [] }));
  for (const account of data) accounts.get(nameOf(account.provider, account.token))?.replaceChildren(...credit(account));
}

function nameOf(provider, token) {
  return JSON.stringify([provider, token]);
}

function credit({ remaining, allowance, unit, problem }) {
  if (problem) return [h("span", { class: "muted", say: "credit.unknown" }), h("code", { class: "muted" }, problem)];
  const amounts = { remaining: amount(remaining, unit), allowance: amount(allowance, unit) };
  const text = h("span", { say: allowance === null ? "credit.left" : "credit.of", values: amounts });
  return allowance > 0 ? [meter(remaining / allowance), text] : [text];
}

function meter(part) {
  return h("meter", { label: "credit", value: Math.min(Math.max(part, 0), 1), low: 0.2, high: 0.5, optimum: 1 });
}

function amount(value, unit) {
  const isMoney = /^[A-Z]{3}$/.test(unit);
  const format = isMoney ? { style: "currency", currency: unit, maximumFractionDigits: 4 } : {};
  return new Intl.NumberFormat(language(), format).format(value) + (isMoney ? "" : ` ${unit}`);
}

function card(provider, accounts) {
  const state = provider.problem ? "broken" : provider.benched ? "benched" : "ready";
  return h("section", { class: "card" },
    h("div", { class: "row" }, h("h3", {}, provider.name), h("span", { class: "muted" }, provider.kind),
      h("span", { class: "gap" }), badge(state)),
    provider.problem && h("p", { class: "problem" }, provider.problem),
    provider.reason && h("p", { class: "muted" }, provider.reason),
    h("p", { class: "muted", say: provider.models === null ? "providers.unasked" : "providers.models",
      values: { n: provider.models } }),
    h("ul", { class: "tokens" }, provider.tokens.map((one) => token(provider.name, one, accounts))));
}

function token(provider, { label, models, ...own }, accounts) {
  const account = h("div", { class: "row credit" });
  accounts.set(nameOf(provider, label), account);
  return h("li", {}, line(h("code", {}, label), own), account,
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
