// Light or dark: as the system has it, or as chosen.

import { button } from "./dom.js";
import { bind } from "./language.js";

const KEPT = "any2api.theme";
const THEMES = ["auto", "light", "dark"];

export function themeButton() {
  let theme = "auto";
  try {
    theme = THEMES.find((name) => name === localStorage.getItem(KEPT)) ?? "auto";
  } catch { /* nothing is remembered here */ }
  const toggle = button(`theme.${theme}`, () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEPT, theme);
    } catch { /* it lasts as long as the page */ }
    show();
  }, { class: "quiet", tip: "theme" });
  const show = () => {
    document.documentElement.dataset.theme = theme;
    bind(toggle, `theme.${theme}`);
  };
  show();
  return toggle;
}
