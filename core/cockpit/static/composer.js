// Where a message is written: text, images, send and stop.

import { button, h, showInstead } from "./dom.js";
import { bind } from "./language.js";

const LARGEST = 3_000_000;

export class Composer {
  #text = h("textarea", { name: "message", rows: 2, label: "message", hint: "message.hint",
    onkeydown: (event) => this.#key(event), oninput: () => this.#grow() });
  #file = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true, onchange: () => this.#attach() });
  #thumbnails = h("div", { class: "thumbnails" });
  #problem = h("p", { class: "problem", role: "alert" });
  #send = h("button", { class: "primary", say: "send" });
  #stop = button("stop", () => this.#stopped(), { class: "danger", hidden: true });
  #images = [];
  #sent;
  #stopped;

  element = h("form", { class: "composer", onsubmit: (event) => this.#submit(event) },
    this.#thumbnails, this.#problem, this.#text,
    h("div", { class: "row" }, button("attach", () => this.#file.click(), { class: "small" }), this.#file,
      h("span", { class: "gap" }), this.#stop, this.#send));

  /** `sent` gets the content of a message; `stopped` is called to cancel an answer. */
  constructor(sent, stopped) {
    this.#sent = sent;
    this.#stopped = stopped;
  }

  set busy(busy) {
    showInstead(...(busy ? [this.#stop, this.#send] : [this.#send, this.#stop]));
  }

  focus() {
    this.#text.focus();
  }

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#submit(event);
    } else if (event.key === "Escape") this.#stopped();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if ((!text && !this.#images.length) || this.#send.hidden) return;
    const parts = this.#images.map((url) => ({ type: "image_url", image_url: { url } }));
    this.#sent(parts.length ? [{ type: "text", text }, ...parts] : text);
    this.#text.value = "";
    this.#images = [];
    this.#grow();
    this.#show();
  }

  #grow() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${Math.min(this.#text.scrollHeight + 2, 240)}px`;
  }

  async #attach() {
    this.#problem.textContent = "";
    for (const file of this.#file.files) {
      if (file.size > LARGEST) bind(this.#problem, "attach.large", { values: { name: file.name } });
      else this.#images.push(await dataUrl(file));
    }
    this.#file.value = "";
    this.#show();
  }

  #show() {
    this.#thumbnails.replaceChildren(...this.#images.map((src, index) =>
      h("button", { type: "button", label: "attach.remove", onclick: () => {
        this.#images.splice(index, 1);
        this.#show();
      } }, h("img", { src, alt: "" }))));
  }
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
