// One thing that was made: what it was made of, itself, and what stands below every answer.

import { h } from "./dom.js";
import { foot } from "./foot.js";
import { bind } from "./language.js";

export class Result {
  #urls = [];
  #progress = h("progress", { label: "state.requesting", max: 100 });
  #state = h("span", { class: "muted", say: "state.requesting" });
  #working = h("div", { class: "row working" }, this.#progress, this.#state);
  #content = h("div", { class: "made" });
  #foot = h("div", { class: "foot" });
  element;

  /** `model` makes it, of what `about` says. */
  constructor(model, about) {
    this.element = h("article", { class: "message assistant" },
      h("h3", {}, model), about && h("p", { class: "text about muted" }, about), this.#working, this.#content, this.#foot);
  }

  /** How far it is, in percent, and in the words for `state`. */
  progress(percent, state) {
    if (percent) this.#progress.value = percent;
    bind(this.#state, state, { values: { percent } });
  }

  add(...elements) {
    this.#content.append(...elements.filter(Boolean));
  }

  /** An address for `blob` that lasts as long as this is shown. */
  url(blob) {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  /** A link that saves what is at `url` under a name. */
  download(url, name) {
    return h("a", { class: "download", href: url, download: name, say: "download" });
  }

  finish(outcome) {
    this.#working.remove();
    this.#foot.replaceChildren(...foot(outcome));
  }

  dispose() {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.element.remove();
  }
}
