// What came of asking the endpoint for something, whatever that is.

import { light } from "./light.js";
import { ApiError, session } from "./session.js";

const MOST_RAW = 200_000;

/**
 * What `request` ({ path, body, form, program }) and its answer came to:
 * { raw, status, id, provider, emulated, ignored, first, seconds, usage, finish, error, stopped }.
 */
export class Outcome {
  raw = "";
  status = 0;
  #started = performance.now();

  constructor(request) {
    this.request = request;
  }

  /** Do `work` and note how it ends. */
  async of(work) {
    light.turn("requesting");
    try {
      await work(this);
      light.turn(this.error ? "error" : "ready");
    } catch (error) {
      this.#fail(error);
    }
    this.seconds = this.#since();
    return this;
  }

  /** The head of an answer is here. */
  answered({ status, headers }) {
    this.status = status;
    this.id = headers.get("x-request-id");
    this.provider = headers.get("x-any2api-provider") ?? this.provider;
    this.emulated = headers.get("x-any2api-emulated") ?? this.emulated;
    this.ignored = headers.get("x-ignored-params") ?? this.ignored;
  }

  /** The first of what was asked for is here. */
  begun() {
    this.first ??= this.#since();
    light.turn("streaming");
  }

  /** Text that came, for whoever wants to see it as it was. */
  heard(text) {
    if (this.raw.length < MOST_RAW) this.raw += text;
  }

  #fail(error) {
    if (error.name === "AbortError") {
      this.stopped = true;
      light.turn(session.key ? "ready" : "initialising");
      return;
    }
    this.error = error instanceof ApiError ? error : new ApiError(0, "broken_off", error.message);
    this.status = this.error.status || this.status;
    this.id = this.error.id ?? this.id;
    this.heard(this.error.raw);
    light.turn("error");
  }

  #since() {
    return (performance.now() - this.#started) / 1000;
  }
}
