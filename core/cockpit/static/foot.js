// What stands below every answer: how it ended, its figures, its bytes, and its request as a program.

import { button, copyButton, h } from "./dom.js";
import { session } from "./session.js";
import { SNIPPETS } from "./snippets.js";

const OURS = ["unreachable", "no_done", "broken_off"];

/** The lines for an outcome, with `between` before the bytes. */
export function foot(outcome, ...between) {
  return [
    outcome.stopped && h("p", { class: "muted", say: "stopped" }),
    outcome.error && problem(outcome.error),
    figures(outcome),
    ...between,
    details(outcome),
  ].filter(Boolean);
}

function problem({ status, code, message }) {
  const ours = OURS.includes(code);
  return h("p", { class: "problem", role: "alert" },
    h("strong", {}, [status || "", ours ? "" : code].filter(Boolean).join(" ")), " ",
    h("span", ours ? { say: `error.${code}` } : {}, ours ? "" : message));
}

function figures({ first, seconds, usage, finish, provider, emulated, ignored, bytes }) {
  const tokens = usage?.completion_tokens;
  const rate = tokens && first !== undefined && seconds > first ? tokens / (seconds - first) : 0;
  return h("p", { class: "figures muted" },
    first !== undefined && h("span", { say: "figure.first", values: { ms: Math.round(first * 1000) } }),
    h("span", { say: "figure.total", values: { s: seconds.toFixed(2) } }),
    tokens !== undefined && h("span", { say: "figure.tokens", values: { prompt: usage.prompt_tokens, completion: tokens } }),
    rate > 0 && h("span", { say: "figure.rate", values: { n: rate.toFixed(rate < 10 ? 1 : 0) } }),
    bytes && h("span", {}, bytes),
    finish && h("span", {}, finish),
    provider && h("span", {}, `→ ${provider}`),
    emulated && h("span", { say: "figure.emulated", values: { names: emulated } }),
    ignored && h("span", { say: "figure.ignored", values: { names: ignored } }));
}

/** The request, the bytes that came, and the request as programs. */
function details({ request, raw, id }) {
  const views = {
    request: () => `POST ${session.root}${request.path}\n\n${asSent(request)}`,
    bytes: () => raw || "–",
    ...Object.fromEntries(Object.entries(SNIPPETS).map(([name, write]) => [name, () => write(session.endpoint, request)])),
  };
  const shown = h("pre", { class: "code", tabindex: "0" });
  const tabs = Object.entries(views).map(([name, view]) => button(`view.${name}`, () => {
    shown.textContent = view();
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.view === name));
  }, { class: "small", "data-view": name, "aria-pressed": "false" }));
  return h("details", { class: "raw", ontoggle: () => shown.textContent || tabs[0].click() },
    h("summary", { say: "raw" }),
    h("div", { class: "row" }, tabs, h("span", { class: "gap" }), copyButton(() => shown.textContent)),
    shown, id && h("p", { class: "muted" }, h("code", {}, id)));
}

function asSent({ body, form }) {
  if (!form) return JSON.stringify(body, null, 2);
  return Object.entries(body).map(([name, value]) =>
    `${name}: ${value instanceof Blob ? `${value.name} (${value.size} B, ${value.type})` : value}`).join("\n");
}
