// How this instance does, in one line.

import { h } from "./dom.js";
import { say } from "./language.js";
import { light } from "./light.js";
import { session } from "./session.js";

const COLD = 60;

export class CockpitStatus extends HTMLElement {
  #listening = new AbortController();
  #status = null;

  connectedCallback() {
    const { signal } = this.#listening;
    light.addEventListener("turned", () => light.state === "ready" && this.shown(), { signal });
    document.addEventListener("language", () => this.#render(), { signal });
  }

  disconnectedCallback() {
    this.#listening.abort();
  }

  async shown() {
    this.#status = await session.json("api/status").catch(() => this.#status);
    this.#render();
  }

  #render() {
    if (!this.#status) return;
    const { version, platform, region, uptime_seconds: uptime, requests, first_event_ms: first } = this.#status;
    const facts = {
      version: version ?? "–",
      platform: [platform, region].filter(Boolean).join(", "),
      instance: say(uptime < COLD ? "instance.cold" : "instance.warm", { age: age(uptime) }),
      requests,
      first: first === null ? "–" : `${first} ms`,
    };
    const rows = Object.entries(facts).map(([name, value]) =>
      h("div", { class: name }, h("dt", { say: `status.${name}` }), h("dd", {}, String(value))));
    this.replaceChildren(h("dl", { class: "facts" }, rows));
  }
}

export function age(seconds) {
  if (seconds < 90) return say("age.seconds", { n: Math.round(seconds) });
  if (seconds < 5400) return say("age.minutes", { n: Math.round(seconds / 60) });
  return say("age.hours", { n: Math.round(seconds / 3600) });
}
