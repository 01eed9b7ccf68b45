// Speech from text.

import { h, labelled } from "./dom.js";
import { choice, given, number, prompt } from "./fields.js";

const PATH = "v1/audio/speech";
const ENDINGS = { "audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/ogg": "ogg", "audio/opus": "opus",
  "audio/aac": "aac", "audio/flac": "flac", "audio/pcm": "pcm" };

export class Craft {
  #text = prompt("input");
  main = [labelled("prompt.speech", this.#text)];
  inputs = [
    h("input", { name: "voice", value: "alloy", required: true }),
    choice("response_format", ["mp3", "opus", "aac", "flac", "wav", "pcm"]),
    number("speed", [0.25, 4, 0.05]),
    h("input", { name: "instructions" }),
  ];
  suggestions = { voice: ["alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse"] };

  about() {
    return this.#text.value;
  }

  request(model) {
    const body = { model, input: this.#text.value, ...given(this.inputs) };
    const output = `speech.${body.response_format}`;
    return {
      path: PATH,
      body,
      program: {
        call: "audio.speech.create",
        output,
        python: `answer.write_to_file("${output}")`,
        node: `fs.writeFileSync("${output}", Buffer.from(await answer.arrayBuffer()));`,
      },
    };
  }

  async make(exchange, result) {
    const { outcome } = exchange;
    const sound = await exchange.blob(PATH, { body: outcome.request.body }, () => outcome.begun());
    const type = sound.type.split(";")[0];
    const url = result.url(sound);
    const player = h("audio", { controls: true, src: url, label: "kind.speech" });
    result.add(player.canPlayType(type) && player, result.download(url, `speech.${ENDINGS[type] ?? "bin"}`));
  }
}
