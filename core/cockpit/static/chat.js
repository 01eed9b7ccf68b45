// One chat: what is asked, and what comes back.

import { Outcome } from "./outcome.js";
import { ApiError, session } from "./session.js";
import { events } from "./sse.js";

const PATH = "v1/chat/completions";
const STREAMED = {
  call: "chat.completions.create",
  python: 'for chunk in answer:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)',
  node: 'for await (const chunk of answer) process.stdout.write(chunk.choices[0]?.delta.content ?? "");',
};
const WHOLE = {
  call: "chat.completions.create",
  python: "print(answer.choices[0].message.content)",
  node: "console.log(answer.choices[0].message.content);",
};

/** Ask, and tell `on` what comes: text, reasoning, tool, image. Resolves to the outcome. */
export function ask(body, signal, on) {
  const outcome = new Outcome({ path: PATH, body, program: body.stream ? STREAMED : WHOLE });
  return outcome.of(async () => {
    const answer = await session.request(PATH, { body, signal });
    outcome.answered(answer);
    await (body.stream ? readStream : readWhole)(answer, outcome, on);
  });
}

async function readStream(answer, outcome, on) {
  let whole = false;
  for await (const data of events(answer.body, (text) => outcome.heard(text))) {
    if (data === "[DONE]") {
      whole = true;
      break;
    }
    const chunk = JSON.parse(data);
    if (chunk.error) {
      outcome.error = new ApiError(0, chunk.error.code ?? chunk.error.type, chunk.error.message);
      return;
    }
    outcome.usage = chunk.usage ?? outcome.usage;
    for (const choice of chunk.choices) {
      outcome.finish = choice.finish_reason ?? outcome.finish;
      tell(choice.delta, outcome, on);
    }
  }
  if (!whole) outcome.error = new ApiError(0, "no_done", "");
}

async function readWhole(answer, outcome, on) {
  const text = await answer.text();
  outcome.heard(text);
  const completion = JSON.parse(text);
  const [choice] = completion.choices;
  outcome.usage = completion.usage;
  outcome.finish = choice.finish_reason;
  const calls = (choice.message.tool_calls ?? []).map((call, index) => ({ index, ...call }));
  tell({ ...choice.message, tool_calls: calls }, outcome, on);
}

function tell(delta, outcome, on) {
  const pieces = [
    ["reasoning", delta.reasoning_content], ["text", delta.content], ["text", delta.refusal],
    ...(delta.tool_calls ?? []).map((call) => ["tool", call]),
    ...(delta.images ?? []).map((image) => ["image", image.image_url.url]),
  ];
  for (const [kind, piece] of pieces) {
    if (!piece) continue;
    outcome.begun();
    on[kind](piece);
  }
}
