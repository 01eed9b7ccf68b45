// Where something is made that is no chat: a model, what it is to make, and what it made before, the newest first.
// What differs from kind to kind is a craft: { main, inputs, suggestions, request(model), about(), make(exchange, result) }.

import { button, h, showInstead } from "./dom.js";
import { Exchange } from "./exchange.js";
import { field } from "./fields.js";
import { options } from "./kinds.js";
import { Outcome } from "./outcome.js";
import { Result } from "./result.js";

const KEPT = 12;

export class Workbench {
  #model = h("select", { name: "model", label: "model" });
  #make = h("button", { class: "primary", say: "make" });
  #stop = button("stop", () => this.#running?.abort(), { class: "danger", hidden: true });
  #shown = h("div", { class: "results", "aria-live": "polite" });
  #results = [];
  #running = null;
  #craft;
  element;

  constructor(craft) {
    this.#craft = craft;
    const fields = craft.inputs.map((input) => field(input, craft.suggestions?.[input.name]));
    this.element = h("div", { class: "bench" },
      h("form", { class: "card order", onsubmit: (event) => this.#submit(event), onkeydown: (event) => this.#key(event) },
        h("div", { class: "row" }, this.#model), craft.main,
        h("div", { class: "ends" }, h("div", { class: "fields" }, fields), this.#stop, this.#make)),
      this.#shown);
  }

  set models(models) {
    this.#model.replaceChildren(...options(models));
  }

  choose(model) {
    this.#model.value = model;
  }

  focus() {
    this.element.querySelector("textarea, input").focus();
  }

  dispose() {
    this.#running?.abort();
    for (const result of this.#results) result.dispose();
  }

  #key(event) {
    if (event.key === "Escape") this.#running?.abort();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.target.tagName !== "TEXTAREA") return;
    event.preventDefault();
    event.currentTarget.requestSubmit();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#running) return;
    const model = this.#model.value;
    const result = new Result(model, this.#craft.about());
    this.#running = new AbortController();
    this.#show(result);
    this.#busy(true);
    const exchange = new Exchange(new Outcome(this.#craft.request(model)), this.#running.signal);
    result.finish(await exchange.outcome.of(() => this.#craft.make(exchange, result)));
    this.#running = null;
    this.#busy(false);
  }

  #show(result) {
    this.#shown.prepend(result.element);
    this.#results.unshift(result);
    this.#results.splice(KEPT).forEach((old) => old.dispose());
  }

  #busy(busy) {
    showInstead(...(busy ? [this.#stop, this.#make] : [this.#make, this.#stop]));
    this.#shown.setAttribute("aria-busy", String(busy));
  }
}
