// Text from speech.

import { h, labelled } from "./dom.js";
import { size } from "./exchange.js";
import { choice, given, number } from "./fields.js";

const PATH = "v1/audio/transcriptions";
const ENDINGS = { json: "txt", text: "txt", srt: "srt", vtt: "vtt", verbose_json: "json" };

export class Craft {
  #file = h("input", { type: "file", name: "file", accept: "audio/*,video/*", required: true });
  main = [labelled("prompt.transcription", this.#file)];
  inputs = [
    choice("response_format", Object.keys(ENDINGS)),
    h("input", { name: "language", maxlength: 35 }),
    h("input", { name: "prompt" }),
    number("temperature", [0, 1, 0.1]),
  ];
  suggestions = { language: ["en", "zh", "de", "es", "fr", "ja", "ko"] };

  about() {
    const [file] = this.#file.files;
    return `${file.name}, ${size(file.size)}`;
  }

  request(model) {
    const body = { file: this.#file.files[0], model, ...given(this.inputs) };
    const read = isObject(body) ? "answer.text" : "answer";
    const program = { call: "audio.transcriptions.create", python: `print(${read})`, node: `console.log(${read});` };
    return { path: PATH, body, form: true, program };
  }

  async make(exchange, result) {
    const { body } = exchange.outcome.request;
    const text = await exchange.text(PATH, { body, form: true });
    const heard = isObject(body) ? JSON.parse(text).text : text;
    const kept = body.response_format === "verbose_json" ? text : heard;
    result.add(h("div", { class: "text" }, heard),
      result.download(result.url(new Blob([kept], { type: "text/plain" })), `transcript.${ENDINGS[body.response_format]}`));
  }
}

function isObject({ response_format: format }) {
  return format.endsWith("json");
}
