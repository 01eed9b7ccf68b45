// One chat: what is asked, what comes back, and how long it took.

import { light } from "./light.js";
import { ApiError, session } from "./session.js";
import { events } from "./sse.js";

export const PATH = "v1/chat/completions";
const MOST_RAW = 200_000;

/**
 * Ask, and tell `on` what comes: text, reasoning, tool, image. Resolves to what it came to, whatever that is:
 * { body, raw, status, provider, ignored, first, seconds, usage, finish, error, stopped }.
 */
export async function ask(body, signal, on) {
  const started = performance.now();
  const outcome = { body, raw: "", status: 0 };
  const since = () => (performance.now() - started) / 1000;
  light.turn("requesting");
  try {
    const answer = await session.request(PATH, { body, signal });
    outcome.status = answer.status;
    outcome.id = answer.headers.get("x-request-id");
    outcome.provider = answer.headers.get("x-any2api-provider");
    outcome.ignored = answer.headers.get("x-ignored-params");
    await (body.stream ? readStream : readWhole)(answer, outcome, on, () => {
      outcome.first ??= since();
      light.turn("streaming");
    });
    light.turn(outcome.error ? "error" : "ready");
  } catch (error) {
    fail(outcome, error);
  }
  outcome.seconds = since();
  return outcome;
}

function fail(outcome, error) {
  if (error.name === "AbortError") {
    outcome.stopped = true;
    light.turn(session.key ? "ready" : "initialising");
    return;
  }
  outcome.error = error instanceof ApiError ? error : new ApiError(0, "broken_off", error.message);
  outcome.status ||= outcome.error.status;
  outcome.raw ||= outcome.error.raw;
  outcome.id ??= outcome.error.id;
  light.turn("error");
}

async function readStream(answer, outcome, on, begun) {
  let whole = false;
  const heard = (text) => {
    if (outcome.raw.length < MOST_RAW) outcome.raw += text;
  };
  for await (const data of events(answer.body, heard)) {
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
      tell(choice.delta, on, begun);
    }
  }
  if (!whole) outcome.error = new ApiError(0, "no_done", "");
}

async function readWhole(answer, outcome, on, begun) {
  outcome.raw = await answer.text();
  const completion = JSON.parse(outcome.raw);
  const [choice] = completion.choices;
  outcome.usage = completion.usage;
  outcome.finish = choice.finish_reason;
  const calls = (choice.message.tool_calls ?? []).map((call, index) => ({ index, ...call }));
  tell({ ...choice.message, tool_calls: calls }, on, begun);
}

function tell(delta, on, begun) {
  if (delta.reasoning_content) begun(), on.reasoning(delta.reasoning_content);
  if (delta.content) begun(), on.text(delta.content);
  if (delta.refusal) begun(), on.text(delta.refusal);
  for (const call of delta.tool_calls ?? []) begun(), on.tool(call);
  for (const image of delta.images ?? []) begun(), on.image(image.image_url.url);
}
