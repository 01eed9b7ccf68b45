// What a chat says beside its messages: model, system prompt, parameters, a tool to call.

import { h, labelled } from "./dom.js";
import { choice, field, given, number } from "./fields.js";

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
  #inputs = [
    ...Object.entries(NUMBERS).map(([name, range]) => number(name, range)),
    choice("reasoning_effort", EFFORTS),
    h("input", { name: "stop" }),
  ];
  #stream = h("input", { type: "checkbox", name: "stream", checked: true });
  #tool = h("input", { type: "checkbox", name: "tool" });

  element = h("details", { class: "parameters" },
    h("summary", { say: "parameters" }),
    labelled("parameters.system", this.system),
    h("div", { class: "fields" }, this.#inputs.map((input) => field(input))),
    h("div", { class: "row" },
      h("label", { class: "check" }, this.#stream, h("span", { say: "parameters.stream" })),
      h("label", { class: "check" }, this.#tool, h("span", { say: "parameters.tool" }))));

  /** The request for these messages. */
  body(model, messages) {
    const system = this.system.value.trim();
    return {
      model,
      messages: system ? [{ role: "system", content: system }, ...messages] : messages,
      ...given(this.#inputs),
      ...(this.#tool.checked && { tools: [TOOL] }),
      ...(this.#stream.checked && { stream: true, stream_options: { include_usage: true } }),
    };
  }
}
