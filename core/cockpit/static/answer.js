// One answer as it comes in: text, reasoning, tool calls, images; then its figures, its bytes, and itself as a program.
// All of it is text nodes: what a model says is never HTML.

import { PATH } from "./chat.js";
import { button, copyButton, h } from "./dom.js";
import { session } from "./session.js";
import { SNIPPETS } from "./snippets.js";

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
    this.#foot.replaceChildren(...[
      outcome.stopped && h("p", { class: "muted", say: "stopped" }),
      outcome.error && problem(outcome.error),
      figures(outcome),
      this.calls.length > 0 && toolReply(replied),
      details(outcome),
    ].filter(Boolean));
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

function problem({ status, code, message }) {
  const words = code === "unreachable" || code === "no_done" || code === "broken_off" ? { say: `error.${code}` } : {};
  return h("p", { class: "problem", role: "alert" },
    h("strong", {}, [status || "", words.say ? "" : code].filter(Boolean).join(" ")), " ", h("span", words, words.say ? "" : message));
}

function figures({ first, seconds, usage, finish, provider, ignored }) {
  const tokens = usage?.completion_tokens;
  const rate = tokens && first !== undefined && seconds > first ? tokens / (seconds - first) : 0;
  return h("p", { class: "figures muted" },
    first !== undefined && h("span", { say: "figure.first", values: { ms: Math.round(first * 1000) } }),
    h("span", { say: "figure.total", values: { s: seconds.toFixed(2) } }),
    usage && h("span", { say: "figure.tokens", values: { prompt: usage.prompt_tokens, completion: tokens } }),
    rate > 0 && h("span", { say: "figure.rate", values: { n: rate.toFixed(rate < 10 ? 1 : 0) } }),
    finish && h("span", {}, finish),
    provider && h("span", {}, `→ ${provider}`),
    ignored && h("span", { say: "figure.ignored", values: { names: ignored } }));
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

/** The request, the bytes that came, and the request as programs. */
function details({ body, raw, id }) {
  const views = {
    request: () => `POST ${session.root}${PATH}\n\n${JSON.stringify(body, null, 2)}`,
    bytes: () => raw || "–",
    ...Object.fromEntries(Object.entries(SNIPPETS).map(([name, write]) => [name, () => write(session.root, body)])),
  };
  const shown = h("pre", { class: "code", tabindex: "0" });
  const tabs = Object.entries(views).map(([name, view]) => button(`view.${name}`, () => {
    shown.textContent = view();
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.view === name));
  }, { class: "small", "data-view": name, "aria-pressed": "false" }));
  const element = h("details", { class: "raw", ontoggle: () => shown.textContent || tabs[0].click() },
    h("summary", { say: "raw" }),
    h("div", { class: "row" }, tabs, h("span", { class: "gap" }), copyButton(() => shown.textContent)),
    shown, id && h("p", { class: "muted" }, h("code", {}, id)));
  return element;
}

/** Only what came with the answer is shown; a picture elsewhere is named, so that no request leaves this origin. */
function image(url) {
  return url.startsWith("data:image/") ? h("img", { src: url, alt: "", class: "picture" }) : h("code", {}, url);
}
