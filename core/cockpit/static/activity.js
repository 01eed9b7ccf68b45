// What this instance answered lately: charts of time and tokens, and a line for each request.

import { bars } from "./chart.js";
import { button, h } from "./dom.js";
import { language, say } from "./language.js";
import { session } from "./session.js";

const DRAWN = 60;
const COLUMNS = ["time", "model", "provider", "token", "status", "first", "total", "tokens"];

export class CockpitActivity extends HTMLElement {
  #content = h("div", { class: "stack" });
  #listening = new AbortController();
  #requests = [];

  connectedCallback() {
    this.replaceChildren(
      h("div", { class: "row" }, h("h2", { say: "panel.activity" }), h("span", { class: "gap" }),
        button("refresh", () => this.shown(), { class: "small" })),
      h("p", { class: "muted", say: "activity.about" }), this.#content);
    document.addEventListener("language", () => this.#render(), { signal: this.#listening.signal });
  }

  disconnectedCallback() {
    this.#listening.abort();
  }

  async shown() {
    try {
      this.#requests = (await session.json("api/activity")).data;
      this.#render();
    } catch (error) {
      this.#content.replaceChildren(h("p", { class: "problem", say: "failed", values: { problem: String(error) } }));
    }
  }

  #render() {
    if (!this.#requests.length) {
      this.#content.replaceChildren(h("p", { class: "card muted", say: "activity.none" }));
      return;
    }
    const drawn = this.#requests.slice(0, DRAWN).reverse();
    const times = drawn.map((request) => [request.total_ms ?? 0, request.first_event_ms ?? 0]);
    const tokens = drawn.map((request) => [
      (request.prompt_tokens ?? 0) + (request.completion_tokens ?? 0), request.completion_tokens ?? 0]);
    this.#content.replaceChildren(
      h("div", { class: "grid charts" }, figure("chart.time", times), figure("chart.tokens", tokens)),
      h("div", { class: "scroll", tabindex: "0", role: "region", label: "panel.activity" }, table(this.#requests)));
  }
}

function figure(title, rows) {
  const most = Math.round(Math.max(...rows.map(([whole]) => whole)));
  return h("figure", { class: "card" }, h("figcaption", {}, say(title, { most })), bars(rows, title));
}

function table(requests) {
  return h("table", {},
    h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col", say: `column.${name}` })))),
    h("tbody", {}, requests.map(row)));
}

function row(request) {
  const about = request.usage_estimated ? "~" : "";
  const tokens = request.completion_tokens === null ? "" : `${about}${request.prompt_tokens} + ${request.completion_tokens}`;
  const cells = [
    new Date(request.at * 1000).toLocaleTimeString(language()), request.model, request.provider, request.token,
    h("span", { class: "badge", "data-state": request.error ? "broken" : "ready" }, `${request.status || "–"} ${request.error ?? request.finish ?? ""}`),
    milliseconds(request.first_event_ms), milliseconds(request.total_ms), tokens,
  ];
  return h("tr", {}, cells.map((cell) => h("td", {}, cell ?? "–")));
}

function milliseconds(value) {
  return value === null ? "–" : `${value} ms`;
}
