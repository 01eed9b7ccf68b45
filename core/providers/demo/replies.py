"""What the toy upstream is going to say, and its form on the wire: chunks of a stream, or one whole completion."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.chat.requests import Json
from core.providers.demo.asked import Asked, text_of
from core.providers.demo.connection import EVENT_STREAM, JSON, Connection, to_json

Delta = Mapping[str, Json]
Chunk = dict[str, Json]

DONE: Final = b"data: [DONE]\n\n"
_EASTERN = "⺀-鿿가-힯豈-﫿＀-￯"
_WORD = re.compile(rf"\s*[{_EASTERN}]|\s*[^\s{_EASTERN}]+|\s+")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its deltas in order, why it ends, and the pause between two deltas in seconds."""

    deltas: Sequence[Delta]
    finish: str | None = "stop"
    gap: float = 0.0


def words(text: str) -> list[str]:
    """The words of `text`, each with the space before it; an ideograph is a word."""
    return _WORD.findall(text)


def speak(asked: Asked, text: str, *, thought: str = "", gap: float = 0.0) -> Reply:
    """A reply in words, within the limits that were asked for: a word counts as a token."""
    stops = [text.index(stop) for stop in asked.stops if stop and stop in text]
    deltas = [{"reasoning_content": word} for word in words(thought)]
    deltas += [{"content": word} for word in words(text[: min(stops, default=len(text))])]
    limit = asked.max_tokens or len(deltas)
    return Reply(deltas[:limit], "length" if len(deltas) > limit else "stop", gap)


def chunks(asked: Asked, reply: Reply) -> list[Chunk]:
    """The chunks of `reply` in the order of a stream, with the usage last if it is wanted."""
    envelope = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": asked.model,
    }
    made = [{**envelope, "choices": [_choice({"role": "assistant", "content": ""})]}]
    made += [{**envelope, "choices": [_choice(delta)]} for delta in reply.deltas]
    made += [{**envelope, "choices": [_choice({}, reply.finish)]}]
    if asked.wants_usage:
        made += [{**envelope, "choices": [], "usage": _usage(asked, reply)}]
    return made


def completion(stream: Iterable[Chunk]) -> Json:
    """The chunks of a stream as one whole answer; an error among them is all that is left."""
    whole: Chunk = {}
    message: dict[str, Json] = {"role": "assistant", "content": None}
    choice: dict[str, Json] = {"index": 0, "message": message, "finish_reason": None}
    for chunk in stream:
        if "error" in chunk:
            return chunk
        whole = {**whole, **chunk}
        for part in chunk["choices"]:
            choice["finish_reason"] = part["finish_reason"] or choice["finish_reason"]
            _merge(message, part["delta"])
    return {**whole, "object": "chat.completion", "choices": [choice]}


def event(value: Json) -> bytes:
    """One server-sent event."""
    return b"data: " + to_json(value) + b"\n\n"


def pieces(asked: Asked, stream: Iterable[Chunk]) -> list[bytes]:
    """The body in the form that was asked for: one piece for each event, or the whole JSON as a single piece."""
    return [*map(event, stream), DONE] if asked.stream else [to_json(completion(stream))]


def headers(asked: Asked) -> Mapping[str, str]:
    return EVENT_STREAM if asked.stream else JSON


async def answer(connection: Connection, asked: Asked, reply: Reply) -> None:
    """Say `reply` as it should be said."""
    body = pieces(asked, chunks(asked, reply))
    if not asked.stream:
        await connection.reply(200, body[0])
        return
    await connection.begin()
    for piece in body:
        await connection.chunk(piece)
        if reply.gap:
            await connection.pause(reply.gap)
    await connection.end()


def error(message: str, type: str = "invalid_request_error", code: Json = None, param: str | None = None) -> Json:  # noqa: A002  # the field's name
    """OpenAI's error object."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def _choice(delta: Delta, finish: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _usage(asked: Asked, reply: Reply) -> Json:
    prompt = sum(len(words(text_of(message))) for message in asked.messages)
    thought = sum("reasoning_content" in delta for delta in reply.deltas)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(reply.deltas),
        "total_tokens": prompt + len(reply.deltas),
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def _merge(message: dict[str, Json], delta: Delta) -> None:
    for key in ("content", "reasoning_content"):
        if delta.get(key):
            message[key] = (message.get(key) or "") + delta[key]
    for fragment in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        if "name" in fragment["function"]:
            calls.append({**fragment, "function": dict(fragment["function"])})
        else:
            calls[-1]["function"]["arguments"] += fragment["function"]["arguments"]
