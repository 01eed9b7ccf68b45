"""Models that a fake OpenAI-compatible upstream can have: some answer well, some go wrong in every way known."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping
from functools import partial

from tests.support.openai_upstream import Behaviour, Turn, sse

REFUSAL = "I will not help with that."
THOUGHT = "First I think about it."
CALLS = ({"city": "Paris", "unit": "°C 🌍"}, {"city": "Tōkyō", "unit": "K"})


async def echo(turn: Turn) -> None:
    await turn.start()
    await turn.event(turn.chunk({"role": "assistant", "content": ""}))
    await turn.end(await turn.say(turn.prompt))


async def gated(turn: Turn, pieces: int = 1) -> None:
    """Says its name, then waits at the gate before the rest: so a test decides when the answer goes on."""
    await turn.start()
    for _ in range(pieces):
        await turn.event(turn.chunk({"content": f"{turn.prompt} "}))
    await turn.gate()
    await turn.say("and the rest")
    await turn.end()


async def silent(turn: Turn) -> None:
    """Waits at the gate before its first byte."""
    await turn.gate()
    await echo(turn)


async def endless(turn: Turn) -> None:
    """Goes on until nobody listens."""
    await turn.start()
    while True:
        await turn.event(turn.chunk({"content": "x" * 65536}))


async def one_begins(turn: Turn) -> None:
    """Only the first of several requests gets a word before the gate."""
    await (gated if turn.seen is turn.server.asked[0] else silent)(turn)


async def headers_only(turn: Turn) -> None:
    """Its headers come at once, everything else after the gate."""
    await turn.start()
    await turn.wire.chunk(b": hold on\n\n")
    await turn.event(turn.chunk({"role": "assistant", "content": ""}))
    await turn.gate()
    await turn.end(await turn.say(turn.prompt))


async def tools(turn: Turn, count: int = 1) -> None:
    """Calls the first `count` tools in fragments; answers in words once it is told their results, or may not call."""
    if not turn.body.get("tools") or turn.body.get("tool_choice") == "none" or turn.messages[-1]["role"] == "tool":
        await echo(turn)
        return
    await turn.start()
    for index in range(count):
        name = turn.body["tools"][index]["function"]["name"]
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        await turn.event(turn.chunk({"tool_calls": [call]}))
    arguments = [json.dumps(CALLS[index], ensure_ascii=False) for index in range(count)]
    for start in range(0, max(map(len, arguments)), 9):
        for index, text in enumerate(arguments):
            if piece := text[start : start + 9]:
                turn.tokens += 1
                await turn.event(turn.chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    await turn.end("tool_calls")


async def reasoning(turn: Turn) -> None:
    await turn.start()
    await turn.say(THOUGHT, "reasoning_content")
    await turn.end(await turn.say(turn.prompt))


async def refusal(turn: Turn) -> None:
    await turn.start()
    await turn.say(REFUSAL, "refusal")
    await turn.end()


async def bytewise(turn: Turn) -> None:
    """Every byte in a chunk of its own, also those within a character."""
    body = sse({**turn.chunk({}), "choices": [{"index": 0, "delta": {"content": turn.prompt}}]})
    body = body.replace(json.dumps(turn.prompt).encode(), json.dumps(turn.prompt, ensure_ascii=False).encode())
    await turn.start()
    for byte in body + sse(turn.chunk({}, finish_reason="stop")) + sse(b"[DONE]"):
        await turn.wire.chunk(bytes([byte]))
    await turn.wire.finish()


async def big(turn: Turn) -> None:
    """Its whole answer, two megabytes, is one event."""
    await turn.start()
    await turn.event(turn.chunk({"content": "0123456789abcdef" * 131072}))
    await turn.end()


async def no_usage(turn: Turn) -> None:
    await turn.start()
    await turn.say(turn.prompt)
    await turn.event(turn.chunk({}, finish_reason="stop"))
    await turn.event(b"[DONE]")
    await turn.wire.finish()


async def fails(turn: Turn, status: int, error: Mapping[str, str] | str = "", **headers: str) -> None:
    """Refuses with `status` before any answer. A string is the whole body."""
    if isinstance(error, str):
        await turn.wire.reply(status, error, **headers)
    else:
        await turn.wire.reply(status, json.dumps({"error": error}), **headers)


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


async def recovers(turn: Turn, status: int) -> None:
    """Refuses the first request and answers the second."""
    if len(turn.server.asked) == 1:
        await fails(turn, status, {"message": "later", "type": "server_error"}, retry_after="1")
    else:
        await echo(turn)


async def breaks(turn: Turn, how: str, said: str = "half of ") -> None:
    """Says a little, if anything, and then goes wrong."""
    await turn.start()
    await turn.say(said)
    if how == "error":
        await turn.event({"error": {"message": "The engine caught fire.", "type": "server_error"}})
        await turn.wire.finish()
    elif how == "end":  # lawful HTTP, but the answer has no end
        await turn.wire.finish()
    elif how == "close":
        turn.wire.close()
    elif how == "reset":
        await asyncio.sleep(0)
        turn.wire.reset()


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

GOOD: Mapping[str, Behaviour] = {
    "echo": echo,
    "vendor/echo": echo,
    "gated": gated,
    "silent": silent,
    "headers-only": headers_only,
    "one-begins": one_begins,
    "endless": endless,
    "tools": tools,
    "parallel-tools": partial(tools, count=2),
    "reasoning": reasoning,
    "refusal": refusal,
    "bytewise": bytewise,
    "big": big,
    "no-usage": no_usage,
    "invalid-utf8": partial(odd, body=_TEXT.replace(b"TEXT", b"TEXT\xff") + _FINISH + _DONE),
}

_HTML = "<!doctype html><title>Secret gateway at http://10.1.2.3/</title><h1>No</h1>"
_NO_KEY = {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "invalid_api_key"}
_TOO_LONG = {"message": "maximum context length is 10 tokens", "type": "invalid_request_error"}

FAULTS: Mapping[str, Behaviour] = {
    "fails-400": partial(fails, status=400, error={"message": "No such thing.", "param": "top_p"}),
    "fails-context": partial(fails, status=400, error=_TOO_LONG),
    "fails-401": partial(fails, status=401, error=_NO_KEY),
    "fails-402": partial(fails, status=402, error={"message": "pay first"}),
    "fails-403": partial(fails, status=403, error={"message": "key has no permission"}),
    "fails-404": partial(fails, status=404, error={"message": "no such model", "code": "model_not_found"}),
    "fails-429": partial(fails, status=429, error={"message": "slow down"}, retry_after="17"),
    "fails-500": partial(fails, status=500, error={"message": "oops"}),
    "fails-503": partial(fails, status=503, error={"message": "busy"}, retry_after="9"),
    "fails-html": partial(fails, status=502, error=_HTML, content_type="text/html"),
    "html-as-success": partial(fails, status=200, error=_HTML, content_type="text/html"),
    "error-as-success": partial(fails, status=200, error={"message": "slow down", "type": "rate_limit_error"}),
    "error-first": partial(breaks, how="error", said=""),
    "empty": partial(breaks, how="end", said=""),
    "resets-first": partial(breaks, how="reset", said=""),
    "breaks-error": partial(breaks, how="error"),
    "breaks-end": partial(breaks, how="end"),
    "breaks-close": partial(breaks, how="close"),
    "breaks-reset": partial(breaks, how="reset"),
    "recovers-429": partial(recovers, status=429),
    "recovers-503": partial(recovers, status=503),
    "leaky-400": partial(leaky, status=400),
    "leaky-401": partial(leaky, status=401),
    "leaky-500": partial(leaky, status=500),
    "leaky-200": partial(leaky, status=200),
}

ALL: Mapping[str, Behaviour] = {**GOOD, **ODDITIES, **FAULTS}
