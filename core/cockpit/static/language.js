// What the page says, in the language of the browser or the one that was chosen.

import { WORDS } from "./words.js";

const LANGUAGES = ["en", "zh"];
const KEPT = "any2api.language";
const PLACES = { label: "aria-label", hint: "placeholder", tip: "title" };
const bound = new WeakMap();

let current = recall() ?? (navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? "en").slice(0, 2).toLowerCase();
document.documentElement.lang = current;

export function language() {
  return current;
}

/** Words by their key, with `{name}` replaced by a value. */
export function say(key, values = {}) {
  const words = WORDS[key]?.[LANGUAGES.indexOf(current)] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Let `element` say something, also after the language changes. */
export function bind(element, key, { values, ...places } = {}) {
  const told = bound.get(element) ?? {};
  const next = { ...told, ...(key && { key, values }) };
  for (const place of Object.keys(PLACES)) if (places[place]) next[place] = places[place];
  if (!Object.keys(next).length) return;
  bound.set(element, next);
  element.dataset.said = "";
  tell(element, next);
}

export function switchLanguage() {
  current = LANGUAGES[1 - LANGUAGES.indexOf(current)];
  document.documentElement.lang = current;
  try {
    localStorage.setItem(KEPT, current);
  } catch { /* a browser may refuse to remember; the choice then lasts as long as the page */ }
  for (const element of document.querySelectorAll("[data-said]")) tell(element, bound.get(element));
  document.dispatchEvent(new Event("language"));
}

function tell(element, { key, values, ...places }) {
  if (key) element.textContent = say(key, values);
  for (const [place, name] of Object.entries(places)) element.setAttribute(PLACES[place], say(name));
}

function recall() {
  try {
    const kept = localStorage.getItem(KEPT);
    return LANGUAGES.includes(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}
