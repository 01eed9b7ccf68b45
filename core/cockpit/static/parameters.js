// What a request says beside its messages: model, system prompt, parameters, a tool to call.

import { h, labelled } from "./dom.js";

const NUMBERS = { temperature: [0, 2, 0.1], top_p: [0, 1, 0.05], max_tokens: [1, 1000000, 1], seed: [0, 2147483647, 1] };
const EFFORTS = ["", "none", "minimal", "low", "medium", "high"];
const TOOL = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

export class Parameters {
  system = h("textarea", { name: "system", rows: 2 });
  #numbers = Object.entries(NUMBERS).map(([name, [min, max, step]]) =>
    h("input", { type: "number", name, min, max, step, inputmode: "decimal" }));
  #effort = h("select", { name: "reasoning_effort" }, EFFORTS.map((effort) => h("option", { value: effort }, effort || "–")));
  #stop = h("input", { name: "stop" });
  #stream = h("input", { type: "checkbox", name: "stream", checked: true });
  #tool = h("input", { type: "checkbox", name: "tool" });

  element = h("details", { class: "parameters" },
    h("summary", { say: "parameters" }),
    labelled("parameters.system", this.system),
    h("div", { class: "fields" },
      this.#numbers.map((input) => plain(input.name, input)), plain("reasoning_effort", this.#effort), plain("stop", this.#stop)),
    h("div", { class: "row" },
      h("label", { class: "check" }, this.#stream, h("span", { say: "parameters.stream" })),
      h("label", { class: "check" }, this.#tool, h("span", { say: "parameters.tool" }))));

  /** The request for these messages. */
  body(model, messages) {
    const system = this.system.value.trim();
    const given = this.#numbers.filter((input) => input.value !== "" && input.validity.valid);
    return {
      model,
      messages: system ? [{ role: "system", content: system }, ...messages] : messages,
      ...Object.fromEntries(given.map((input) => [input.name, input.valueAsNumber])),
      ...(this.#effort.value && { reasoning_effort: this.#effort.value }),
      ...(this.#stop.value && { stop: this.#stop.value }),
      ...(this.#tool.checked && { tools: [TOOL] }),
      ...(this.#stream.checked && { stream: true, stream_options: { include_usage: true } }),
    };
  }
}

/** A field whose name is the API's own, in every language. */
function plain(name, input) {
  return h("label", { class: "field" }, h("code", {}, name), input);
}
