// Fields for the parameters of a request. Their names are the API's own, in every language.

import { h } from "./dom.js";

let lists = 0;

/** An input under its API's name, with values to choose from for whoever does not want to write one. */
export function field(input, suggestions = []) {
  const list = suggestions.length > 0 &&
    h("datalist", { id: `suggestions-${++lists}` }, suggestions.map((value) => h("option", { value })));
  if (list) input.setAttribute("list", list.id);
  if (input.pattern) input.title = suggestions.join(", ");  // what the browser tells whoever writes something else
  return h("label", { class: "field" }, h("code", {}, input.name), list, input);
}

export function number(name, [min, max, step], attributes = {}) {
  return h("input", { type: "number", name, min, max, step, inputmode: "decimal", ...attributes });
}

export function choice(name, options) {
  return h("select", { name }, options.map((option) => h("option", { value: option }, option || "–")));
}

/** What was filled in, by name: numbers as numbers. What is left empty, or makes no sense, is not there. */
export function given(inputs) {
  const filled = inputs.filter((input) => input.value !== "" && input.validity.valid);
  return Object.fromEntries(filled.map((input) => [input.name, input.type === "number" ? input.valueAsNumber : input.value]));
}

/** The field for what is to be made. */
export function prompt(name, attributes = {}) {
  return h("textarea", { name, rows: 2, required: true, hint: "message.hint", ...attributes });
}
