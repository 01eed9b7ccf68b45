// What stands before a page that knows nothing yet.

import { h, labelled } from "./dom.js";
import { bind } from "./language.js";
import { light } from "./light.js";
import { session } from "./session.js";

export class CockpitLock extends HTMLElement {
  #key = h("input", { type: "password", name: "key", required: true, autocomplete: "off", spellcheck: "false" });
  #keep = h("input", { type: "checkbox", name: "keep" });
  #problem = h("p", { class: "problem", role: "alert" });

  constructor(reason = "") {
    super();
    if (reason) bind(this.#problem, reason);
  }

  connectedCallback() {
    this.replaceChildren(
      h("form", { class: "card lock", onsubmit: (event) => this.#submit(event) },
        h("h2", { say: "unlock.title" }),
        h("p", { class: "muted", say: "unlock.about" }),
        labelled("unlock.key", this.#key),
        h("label", { class: "check" }, this.#keep, h("span", { say: "unlock.keep" })),
        h("button", { class: "primary", say: "unlock" }),
        this.#problem,
        h("p", { class: "muted endpoint" }, h("span", { say: "endpoint" }), " ", h("code", {}, `${session.root}v1`))));
    const kept = session.recall();
    if (kept) this.#try(kept, true);
    else this.#key.focus();
  }

  #submit(event) {
    event.preventDefault();
    this.#try(this.#key.value.trim(), this.#keep.checked);
  }

  async #try(key, keep) {
    light.turn("checking");
    try {
      await session.unlock(key, keep);
    } catch (error) {
      light.turn("error");
      if (error.status === 401) bind(this.#problem, "unlock.wrong");
      else bind(this.#problem, "failed", { values: { problem: String(error) } });
      this.#key.select();
    }
  }
}
