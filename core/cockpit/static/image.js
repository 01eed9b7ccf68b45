// Pictures from words. They come within the answer; one that lies elsewhere is linked to, and never loaded by this page.

import { h, labelled } from "./dom.js";
import { given, number, prompt } from "./fields.js";

const PATH = "v1/images/generations";
const PROGRAM = {
  call: "images.generate",
  modules: ["base64"],
  python: `for number, picture in enumerate(answer.data):
    with open(f"picture-{number}.png", "wb") as file:
        file.write(base64.b64decode(picture.b64_json))`,
  node: 'answer.data.forEach((picture, number) => fs.writeFileSync(`picture-${number}.png`, Buffer.from(picture.b64_json, "base64")));',
};
/** How files of each type begin. Whatever else comes is offered for download only. */
const BEGINNINGS = { "image/png": /^\x89PNG/, "image/jpeg": /^\xff\xd8\xff/, "image/webp": /^RIFF....WEBP/s, "image/gif": /^GIF8/ };

export class Craft {
  #prompt = prompt("prompt");
  main = [labelled("prompt.image", this.#prompt)];
  inputs = [number("n", [1, 10, 1]), h("input", { name: "size", pattern: "auto|[0-9]+x[0-9]+" })];
  suggestions = { size: ["auto", "512x512", "1024x1024", "1024x1536", "1536x1024", "1024x1792", "1792x1024"] };

  about() {
    return this.#prompt.value;
  }

  request(model) {
    const body = { model, prompt: this.#prompt.value, ...given(this.inputs), response_format: "b64_json" };
    return { path: PATH, body, program: PROGRAM };
  }

  async make(exchange, result) {
    const { body } = exchange.outcome.request;
    const { data, usage } = await exchange.json(PATH, { body });
    exchange.outcome.usage = usage && { prompt_tokens: usage.input_tokens, completion_tokens: usage.output_tokens };
    data.forEach((picture, index) => result.add(shown(picture, `picture-${index + 1}`, body.prompt, result)));
  }
}

function shown({ b64_json: base64, url, revised_prompt: revised }, name, prompt, result) {
  const caption = revised && h("p", { class: "text muted" }, revised);
  if (!base64) return h("figure", {}, elsewhere(String(url)), caption);
  const bytes = atob(base64);
  const type = Object.keys(BEGINNINGS).find((known) => BEGINNINGS[known].test(bytes));
  const at = result.url(new Blob([Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))], { type: type ?? "application/octet-stream" }));
  return h("figure", {}, type && h("img", { src: at, alt: prompt, class: "picture" }),
    result.download(at, `${name}.${type ? type.slice("image/".length) : "bin"}`), caption);
}

function elsewhere(url) {
  return /^https?:\/\//i.test(url) ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url) : h("code", {}, url);
}
