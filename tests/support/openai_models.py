"""Models that only a service which speaks OpenAI's chat.completions can have, beside those that any can have."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from tests.support.models import ANY_KIND
from tests.support.openai_upstream import Turn

Behaviour = Callable[[Any], Awaitable[None]]


async def headers_only(turn: Turn) -> None:
    """Its headers come at once, everything else after the gate."""
    await turn.start()
    await turn.wire.chunk(b": hold on\n\n")
    await turn.event(turn.chunk({"role": "assistant", "content": ""}))
    await turn.gate()
    await turn.end(await turn.say(turn.prompt))


async def no_usage(turn: Turn) -> None:
    await turn.start()
    await turn.say(turn.prompt)
    await turn.event(turn.chunk({}, finish_reason="stop"))
    await turn.event(b"[DONE]")
    await turn.wire.finish()


async def leaky(turn: Turn, status: int) -> None:
    """Tells the credential it was called with in every field of its error."""
    told = f"{turn.seen.headers['authorization']} and {turn.seen.headers.get('x-extra', '')} at {turn.server.url}"
    error = {key: f"{key} {told}" for key in ("message", "type", "code", "param")}
    if status != 200:
        await turn.wire.reply(status, json.dumps({"error": error}), x_echo=told)
        return
    await turn.start(x_echo=told)
    await turn.say("so far so good")
    await turn.event({"error": error})
    await turn.wire.finish()


async def odd(turn: Turn, body: bytes, **headers: str) -> None:
    """A stream with these bytes; `TEXT` in them is the prompt as JSON without its quotes."""
    text = json.dumps(turn.prompt, ensure_ascii=False).encode()[1:-1]
    body = body.replace(b"TEXT", text)
    if headers.get("content_encoding") == "gzip":
        body = gzip.compress(body)
    await turn.start(**headers)
    await turn.wire.chunk(body)
    await turn.wire.finish()


_TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"TEXT"}}]}\n\n'
_FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
_DONE = b"data: [DONE]\n\n"
_USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":"3","completion_tokens":-1,"total_tokens":null}}\n\n'

ODDITIES: Mapping[str, Behaviour] = {
    "crlf": partial(odd, body=(_TEXT + _FINISH + _DONE).replace(b"\n", b"\r\n")),
    "comments": partial(odd, body=b": hi\n\n:\n" + _TEXT + b"event: ping\n\nid: 7\nretry: 9\n\n" + _FINISH + _DONE),
    "byte-order-mark": partial(odd, body=b"\xef\xbb\xbf" + _TEXT + _FINISH + _DONE),
    "one-malformed-event": partial(odd, body=_TEXT + b'data: {"choices":[{"de\n\n' + _FINISH + _DONE),
    "no-done": partial(odd, body=_TEXT + _FINISH),
    "no-last-blank-line": partial(odd, body=_TEXT + _FINISH + b"data: [DONE]"),
    "two-finishes": partial(odd, body=_TEXT + _FINISH + _FINISH + _DONE + _DONE),
    "text-after-done": partial(odd, body=_TEXT + _FINISH + _DONE + _TEXT),
    "gzip": partial(odd, body=_TEXT + _FINISH + _DONE, content_encoding="gzip"),
    "senseless-usage": partial(odd, body=_TEXT + _FINISH + _USAGE + _DONE),
    "no-space-after-colon": partial(odd, body=(_TEXT + _FINISH + _DONE).replace(b"data: ", b"data:")),
    "foreign-finish": partial(odd, body=_TEXT + _FINISH.replace(b"stop", b"eos_token") + _DONE),
    "whole-json": partial(
        odd,
        body=b'{"choices":[{"index":0,"message":{"role":"assistant","content":"TEXT"},"finish_reason":"stop"}]}',
        content_type="application/json",
    ),
    "wrong-content-type": partial(odd, body=_TEXT + _FINISH + _DONE, content_type="text/plain"),
}
"""Answers that a strict reader would refuse, and that mean what they say all the same."""

OPENAI: Mapping[str, Behaviour] = {
    "headers-only": headers_only,
    "no-usage": no_usage,
    "invalid-utf8": partial(odd, body=_TEXT.replace(b"TEXT", b"TEXT\xff") + _FINISH + _DONE),
    "leaky-400": partial(leaky, status=400),
    "leaky-401": partial(leaky, status=401),
    "leaky-500": partial(leaky, status=500),
    "leaky-200": partial(leaky, status=200),
}

ALL: Mapping[str, Behaviour] = {**ANY_KIND, **ODDITIES, **OPENAI}
