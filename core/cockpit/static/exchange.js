// The requests behind one piece of work, and a record of them for whoever wants to see what went over the line.

import { session } from "./session.js";

const BASE64 = /"((?:data:[\w/+.;-]+,)?[\w+/=-]{200})[\w+/=-]{200,}"/g;

export class Exchange {
  constructor(outcome, signal) {
    this.outcome = outcome;
    this.signal = signal;
  }

  async text(path, options) {
    const text = await (await this.#ask(path, options)).text();
    this.outcome.heard(`${text.replace(BASE64, (all, begin) => `"${begin}… (${all.length - 2})"`)}\n\n`);
    return text;
  }

  async json(path, options) {
    return JSON.parse(await this.text(path, options));
  }

  /** Sound or film. `begun` is told of its first bytes. */
  async blob(path, options, begun = () => {}) {
    const answer = await this.#ask(path, options);
    const type = answer.headers.get("content-type") ?? "";
    const [reader, pieces] = [answer.body.getReader(), []];
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (!pieces.length) begun();
      pieces.push(piece.value);
    }
    const blob = new Blob(pieces, { type });
    this.outcome.heard(`(${blob.size} B)\n\n`);
    this.outcome.bytes = `${size(blob.size)}, ${type}`;
    return blob;
  }

  /** Returns after so many seconds, unless the work is stopped before. */
  pause(seconds) {
    return new Promise((resolve, reject) => {
      const stop = () => reject(this.signal.reason);
      this.signal.addEventListener("abort", stop, { once: true });
      setTimeout(() => {
        this.signal.removeEventListener("abort", stop);
        resolve();
      }, seconds * 1000);
    });
  }

  async #ask(path, options) {
    const answer = await session.request(path, { ...options, signal: this.signal });
    this.outcome.answered(answer);
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}\n`);
    this.outcome.heard(`HTTP ${answer.status}\n${headers.join("")}\n`);
    return answer;
  }
}

export function size(bytes) {
  return bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
