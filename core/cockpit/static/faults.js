// The demo's models that misbehave, and what a client sees of each.

import { ask } from "./chat.js";
import { button, h } from "./dom.js";
import { session } from "./session.js";

const FAULT = /\bfault-/;

export class CockpitFaults extends HTMLElement {
  #list = h("ul", { class: "faults" });

  connectedCallback() {
    this.replaceChildren(h("h2", { say: "panel.faults" }), h("p", { class: "muted", say: "faults.about" }), this.#list);
  }

  async shown() {
    if (this.#list.childElementCount) return;
    try {
      const faults = (await session.json("api/models")).data.filter((model) => FAULT.test(model.id));
      this.#list.replaceChildren(...(faults.length ? faults.map(line) : [h("li", { class: "card muted", say: "faults.none" })]));
    } catch (error) {
      this.#list.replaceChildren(h("li", { class: "problem", say: "failed", values: { problem: String(error) } }));
    }
  }
}

function line({ id, description }) {
  const [upstream, client] = (description ?? "").split(" → ");
  const seen = h("div", { class: "seen", role: "status" });
  const provoke = button("faults.try", async () => {
    provoke.disabled = true;
    seen.replaceChildren(h("span", { class: "muted", say: "state.requesting" }));
    seen.replaceChildren(...(await outcome(id)));
    provoke.disabled = false;
  }, { class: "small" });
  return h("li", { class: "card" },
    h("div", { class: "row" }, h("code", { class: "name grow" }, id), provoke),
    h("dl", { class: "pair" },
      h("dt", { say: "faults.upstream" }), h("dd", {}, upstream || "–"),
      h("dt", { say: "faults.client" }), h("dd", {}, client || "–")),
    seen);
}

async function outcome(model) {
  let text = "";
  const ignore = () => {};
  const on = { text: (piece) => (text += piece), reasoning: ignore, tool: ignore, image: ignore };
  const messages = [{ role: "user", content: "Hello" }];
  const { status, error, finish, seconds } = await ask({ model, messages, stream: true }, undefined, on);
  const end = error ? [error.code, error.message].filter(Boolean).join(" · ") : `finish_reason: ${finish}`;
  return [
    h("span", { class: "badge", "data-state": error ? "broken" : "ready" }, `HTTP ${status || "–"}`),
    text && h("q", {}, text.slice(0, 200)),
    h("span", {}, end),
    h("span", { class: "muted" }, `${seconds.toFixed(2)} s`),
  ].filter(Boolean);
}
