// Vectors of texts, and how near two of them are.

import { h, labelled } from "./dom.js";
import { given, number, prompt } from "./fields.js";

const PATH = "v1/embeddings";
const SHOWN = 8;
const PROGRAM = {
  call: "embeddings.create",
  python: "for item in answer.data:\n    print(len(item.embedding), item.embedding[:8])",
  node: "for (const { embedding } of answer.data) console.log(embedding.length, embedding.slice(0, 8));",
};

export class Craft {
  #first = prompt("first");
  #second = prompt("second", { required: false, hint: "" });
  main = [labelled("prompt.embedding", this.#first), labelled("prompt.embedding.second", this.#second)];
  inputs = [number("dimensions", [1, 65536, 1])];

  about() {
    return this.#texts().join("\n");
  }

  request(model) {
    const body = { model, input: this.#texts(), ...given(this.inputs), encoding_format: "float" };
    return { path: PATH, body, program: PROGRAM };
  }

  async make(exchange, result) {
    const { data, usage } = await exchange.json(PATH, { body: exchange.outcome.request.body });
    exchange.outcome.usage = { prompt_tokens: usage.prompt_tokens, completion_tokens: 0 };
    const vectors = data.map(({ embedding }) => embedding);
    result.add(...vectors.map(line));
    if (vectors.length === 2) {
      result.add(h("p", {}, h("strong", { say: "embedding.cosine", values: { cosine: cosine(...vectors).toFixed(4) } })));
    }
  }

  #texts() {
    return [this.#first.value, this.#second.value].filter(Boolean);
  }
}

function line(vector) {
  const numbers = vector.slice(0, SHOWN).map((value) => value.toFixed(4)).join(", ");
  return h("p", {}, h("span", { class: "muted", say: "embedding.length", values: { n: vector.length } }), " ",
    h("code", {}, `[${numbers}${vector.length > SHOWN ? ", …" : ""}]`));
}

function cosine(one, other) {
  const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
}
