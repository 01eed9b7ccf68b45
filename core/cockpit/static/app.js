// The page: a lock, and behind it the panels, one shown at a time.

import { CockpitActivity } from "./activity.js";
import { CockpitConnect } from "./connect.js";
import { button, h } from "./dom.js";
import { CockpitFaults } from "./faults.js";
import { switchLanguage } from "./language.js";
import { CockpitLight, light } from "./light.js";
import { CockpitLock } from "./lock.js";
import { CockpitModels } from "./models.js";
import { CockpitProviders } from "./providers.js";
import { session } from "./session.js";
import { CockpitStatus } from "./status.js";
import { CockpitTerminal } from "./terminal.js";
import { themeButton } from "./theme.js";

const PANELS = {
  terminal: CockpitTerminal,
  models: CockpitModels,
  providers: CockpitProviders,
  connect: CockpitConnect,
  faults: CockpitFaults,
  activity: CockpitActivity,
};

class CockpitApp extends HTMLElement {
  #main = h("main", { id: "main" });
  #nav = h("nav", { label: "panels" });
  #lockButton = button("lock", () => session.lock(), { class: "quiet" });
  #status = null;
  #panels = {};

  connectedCallback() {
    this.replaceChildren(
      h("a", { class: "skip", href: "#main", say: "skip", onclick: (event) => this.#skip(event) }),
      h("header", {},
        h("h1", {}, h("span", { class: "mark", "aria-hidden": "true" }), "any2api"),
        new CockpitLight(),
        h("div", { class: "tools" }, button("language", switchLanguage, { class: "quiet", tip: "language.tip" }),
          themeButton(), this.#lockButton)),
      this.#nav,
      this.#main,
    );
    session.addEventListener("unlocked", () => this.#open());
    session.addEventListener("locked", (event) => this.#close(event.detail));
    window.addEventListener("hashchange", () => this.#show());
    document.addEventListener("language", () => this.#title());
    document.addEventListener("try", (event) => this.#try(event.detail));
    this.#close();
  }

  #skip(event) {
    event.preventDefault();
    this.#main.setAttribute("tabindex", "-1");
    this.#main.focus();
  }

  #close(reason = "") {
    this.#status = null;
    this.#panels = {};
    this.#nav.hidden = this.#lockButton.hidden = true;
    light.turn(reason ? "error" : "initialising");
    this.#main.replaceChildren(new CockpitLock(reason));
    this.#title();
  }

  #open() {
    this.#lockButton.hidden = this.#nav.hidden = false;
    this.#panels = Object.fromEntries(Object.entries(PANELS).map(([name, Panel]) => [name, new Panel()]));
    this.#nav.replaceChildren(...Object.keys(PANELS).map((name) => h("a", { href: `#${name}`, say: `panel.${name}` })));
    this.#status = new CockpitStatus();
    this.#main.replaceChildren(this.#status, ...Object.values(this.#panels));
    this.#show();
    light.turn("ready");
  }

  /** Show the panel that the URL names, and let it fetch what it needs. */
  #show() {
    const name = location.hash.slice(1) in this.#panels ? location.hash.slice(1) : "terminal";
    for (const [other, panel] of Object.entries(this.#panels)) panel.hidden = other !== name;
    for (const link of this.#nav.children) {
      link.removeAttribute("aria-current");
      if (link.hash !== `#${name}`) continue;
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "center" });
    }
    this.#status?.shown();
    this.#panels[name]?.shown();
    this.#title();
  }

  #title() {
    const current = this.#nav.hidden ? null : this.#nav.querySelector("[aria-current]");
    document.title = [current?.textContent, "any2api"].filter(Boolean).join(" · ");
  }

  #try(model) {
    location.hash = "terminal";
    this.#panels.terminal.choose(model);
  }
}

customElements.define("cockpit-light", CockpitLight);
customElements.define("cockpit-lock", CockpitLock);
customElements.define("cockpit-status", CockpitStatus);
for (const [name, Panel] of Object.entries(PANELS)) customElements.define(`cockpit-${name}`, Panel);
customElements.define("cockpit-app", CockpitApp);
