// Elements made of text and attributes. Nothing here ever parses HTML, so what a model says cannot become any.

import { bind } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element. `say`, `label`, `hint` and `tip` name words: its text, accessible name, placeholder and title. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A button that does `act`; `say` names its words. */
export function button(say, act, attributes = {}) {
  return h("button", { type: "button", say, onclick: act, ...attributes });
}

/** A labelled field: `field` is the input itself. */
export function labelled(say, field, attributes = {}) {
  return h("label", { class: "field", ...attributes }, h("span", { say }), field);
}

/** Copies what `text()` returns, and says so for a moment. */
export function copyButton(text, attributes = {}) {
  const copying = button("copy", async () => {
    await copy(text());
    bind(copying, "copied");
    setTimeout(() => bind(copying, "copy"), 1500);
  }, { class: "small", ...attributes });
  return copying;
}

/** Show `one` in the place of `other`, with the focus if that had it. */
export function showInstead(one, other) {
  const focused = document.activeElement === other;
  one.hidden = false;
  other.hidden = true;
  if (focused) one.focus();
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = h("textarea", {}); // without HTTPS there is no clipboard but the one of a selection
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  return field.remove();
}

function fill(element, attributes, children) {
  const { say, values, label, hint, tip, ...rest } = attributes;
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  bind(element, say, { values, label, hint, tip });
  return element;
}
