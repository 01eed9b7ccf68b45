// Tabs as screen readers and keyboards know them: arrows, Home and End move between them, Tab leaves them.

import { button, h } from "./dom.js";

let made = 0;

export class Tabs {
  list;
  panels = new Map();
  current = null;
  #buttons = new Map();
  #chosen;
  #id = `tabs-${++made}`;

  /** `label` names them all; `chosen` is told the name of a tab that comes to the front. */
  constructor(label, chosen) {
    this.#chosen = chosen;
    this.list = h("div", { class: "tabs", role: "tablist", label, hidden: true, onkeydown: (event) => this.#key(event) });
  }

  /** A tab with these words; its panel, which is empty. */
  add(name, say) {
    const [tab, panel] = [`${this.#id}-${name}`, `${this.#id}-${name}-panel`];
    const opener = button(say, () => this.choose(name), { class: "tab", role: "tab", id: tab, "aria-controls": panel });
    this.#buttons.set(name, opener);
    this.panels.set(name, h("div", { class: "panel", role: "tabpanel", id: panel, "aria-labelledby": tab }));
    this.list.append(opener);
    this.list.hidden = this.#buttons.size < 2;
    this.#mark();
    return this.panels.get(name);
  }

  choose(name) {
    this.current = name;
    this.#mark();
    this.#buttons.get(name).scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#chosen(name);
  }

  #mark() {
    for (const [name, tab] of this.#buttons) {
      tab.setAttribute("aria-selected", String(name === this.current));
      tab.tabIndex = name === this.current ? 0 : -1;
      this.panels.get(name).hidden = name !== this.current;
    }
  }

  #key(event) {
    const names = [...this.#buttons.keys()];
    const here = names.indexOf(this.current);
    const steps = { ArrowRight: here + 1, ArrowLeft: here - 1 + names.length, Home: 0, End: names.length - 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const name = names[steps[event.key] % names.length];
    this.choose(name);
    this.#buttons.get(name).focus();
  }
}
