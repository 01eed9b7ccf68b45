// The state of the page as one light: initialising, checking, ready, requesting, streaming, error.

import { h } from "./dom.js";
import { bind } from "./language.js";

class Light extends EventTarget {
  state = "initialising";

  turn(state) {
    this.state = state;
    this.dispatchEvent(new Event("turned"));
  }
}

export const light = new Light();

export class CockpitLight extends HTMLElement {
  connectedCallback() {
    const words = h("span");
    this.setAttribute("role", "status");
    this.replaceChildren(h("span", { class: "lamp", "aria-hidden": "true" }), words);
    const show = () => {
      this.dataset.state = light.state;
      bind(words, `state.${light.state}`);
    };
    light.addEventListener("turned", show);
    show();
  }
}
