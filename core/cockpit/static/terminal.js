// Where models are tried: a tab for each kind of which there are any. All but the chat is loaded when it is first wanted.

import { Conversation } from "./conversation.js";
import { button, h } from "./dom.js";
import { byKind } from "./kinds.js";
import { session } from "./session.js";
import { Tabs } from "./tabs.js";

const CRAFTS = {
  image: () => import("./image.js"),
  speech: () => import("./speech.js"),
  transcription: () => import("./transcription.js"),
  video: () => import("./video.js"),
  embedding: () => import("./embedding.js"),
};

export class CockpitTerminal extends HTMLElement {
  #heading = h("h2", { class: "unseen", say: "panel.terminal" });
  #tabs = new Tabs("terminal.kinds", (kind) => this.#bench(kind));
  #models = new Map();
  #benches = new Map();
  #wanted = null;

  connectedCallback() {
    this.replaceChildren(this.#heading);
  }

  disconnectedCallback() {
    for (const making of this.#benches.values()) making.then((bench) => bench?.dispose());
  }

  async shown() {
    try {
      if (!this.#models.size) await this.#load();
      await this.#front();
    } catch (error) {
      this.#refuse("failed", { problem: String(error) });
    }
  }

  /** Bring the tab of this model to the front, as soon as the models are known. */
  choose(model) {
    this.#wanted = model;
    if (this.#models.size) this.#front();
  }

  async #load() {
    this.#models = byKind((await session.json("api/models")).data);
    if (!this.#models.size) return this.#refuse("terminal.none");
    const panels = [...this.#models.keys()].map((kind) => this.#tabs.add(kind, `kind.${kind}`));
    this.replaceChildren(this.#heading, this.#tabs.list, ...panels);
  }

  async #front() {
    const { kind, id } = this.#wanted ?? { kind: this.#tabs.current ?? this.#models.keys().next().value };
    this.#wanted = null;
    if (!this.#models.has(kind)) return;
    if (kind !== this.#tabs.current) this.#tabs.choose(kind);
    const bench = await this.#bench(kind);
    if (id) bench?.choose(id);
    bench?.focus();
  }

  #bench(kind) {
    if (!this.#benches.has(kind)) this.#benches.set(kind, this.#made(kind));
    return this.#benches.get(kind);
  }

  async #made(kind) {
    const panel = this.#tabs.panels.get(kind);
    try {
      const bench = kind === "chat" ? new Conversation() : await workbench(kind);
      bench.models = this.#models.get(kind);
      panel.replaceChildren(bench.element);
      return bench;
    } catch (error) {
      this.#benches.delete(kind);
      panel.replaceChildren(h("p", { class: "problem", say: "failed", values: { problem: error.message } }));
      return null;
    }
  }

  #refuse(say, values) {
    this.replaceChildren(this.#heading, h("p", { class: "problem", role: "alert", say, values }),
      h("div", { class: "row" }, button("refresh", () => this.shown(), { class: "small" })));
  }
}

async function workbench(kind) {
  const [{ Workbench }, { Craft }] = await Promise.all([import("./workbench.js"), CRAFTS[kind]()]);
  return new Workbench(new Craft());
}
