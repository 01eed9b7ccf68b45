"""Models that a fake chat service of any kind can have: some answer well, some go wrong in the ways that all know."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Mapping
from functools import partial

from tests.support.chat_upstream import Behaviour, Turn
from tests.support.upstream import Wire

REFUSAL = "I will not help with that."
THOUGHT = "First I think about it."
CALLS = ({"city": "Paris", "unit": "°C 🌍"}, {"city": "Tōkyō", "unit": "K"})


async def echo(turn: Turn) -> None:
    await turn.start()
    await turn.end(await turn.say(turn.prompt))


async def gated(turn: Turn) -> None:
    """Says its name, then waits at the gate before the rest: so a test decides when the answer goes on."""
    await turn.start()
    await turn.piece(f"{turn.prompt} ", "content")
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
        await turn.piece("x" * 65536, "content")


async def one_begins(turn: Turn) -> None:
    """Only the first of several requests gets a word before the gate."""
    await (gated if turn.seen is turn.server.asked[0] else silent)(turn)


async def tools(turn: Turn, count: int = 1) -> None:
    """Calls the first `count` tools; answers in words once it is told their results, or may not call."""
    if not turn.tools or turn.has_result:
        await echo(turn)
        return
    await turn.start()
    await turn.call(
        [(name, json.dumps(CALLS[place], ensure_ascii=False)) for place, name in enumerate(turn.tools[:count])]
    )
    await turn.end("tool_calls")


async def reasoning(turn: Turn) -> None:
    await turn.start()
    await turn.think(THOUGHT)
    await turn.end(await turn.say(turn.prompt))


async def over(turn: Turn, wire: Callable[[Turn], Wire]) -> None:
    """An echo whose bytes go an odd way."""
    turn.wire = wire(turn)
    await echo(turn)


class OddWire(Wire):
    def __init__(self, turn: Turn) -> None:
        super().__init__(turn.wire._reader, turn.wire._writer)
        self._is_sse = turn.content_type == "text/event-stream"


class Bytewise(OddWire):
    """Every byte in a chunk of its own, also those within a character."""

    async def chunk(self, data: bytes) -> None:
        for byte in data:
            await super().chunk(bytes([byte]))


class CarriageReturns(OddWire):
    async def chunk(self, data: bytes) -> None:
        await super().chunk(data.replace(b"\n", b"\r\n"))


class Damaged(OddWire):
    """Before each event comes half of one."""

    async def chunk(self, data: bytes) -> None:
        await super().chunk((b'data: {"half\n\n' if self._is_sse else b'{"half\n') + data)


class Compressed(OddWire):
    def __init__(self, turn: Turn) -> None:
        super().__init__(turn)
        self._held = b""

    async def head(self, status: int = 200, **headers: str) -> None:
        await super().head(status, content_encoding="gzip", **headers)

    async def chunk(self, data: bytes) -> None:
        self._held += data

    async def finish(self) -> None:
        await super().chunk(gzip.compress(self._held))
        await super().finish()

    async def reply(self, status: int, body: bytes | str, **headers: str) -> None:
        body = body.encode() if isinstance(body, str) else body
        await super().reply(status, gzip.compress(body), content_encoding="gzip", **headers)


async def refusal(turn: Turn) -> None:
    await turn.start()
    await turn.say(REFUSAL, "refusal")
    await turn.end()


async def big(turn: Turn) -> None:
    """Its whole answer, two megabytes, is one event."""
    await turn.start()
    await turn.piece("0123456789abcdef" * 131072, "content")
    await turn.end()


async def fails(turn: Turn, status: int, error: Mapping[str, str] | str = "", **headers: str) -> None:
    """Refuses with `status` before any answer. A string is the whole body."""
    if isinstance(error, str):
        await turn.wire.reply(status, error, **headers)
    else:
        await turn.wire.reply(status, json.dumps({"error": error}), **headers)


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
        await turn.fail("The engine caught fire.")
    elif how == "end":  # lawful HTTP, but the answer has no end
        await turn.stop()
    elif how == "close":
        turn.wire.close()
    elif how == "reset":
        await asyncio.sleep(0)
        turn.wire.reset()


GOOD: Mapping[str, Behaviour] = {
    "echo": echo,
    "vendor/echo": echo,
    "gated": gated,
    "silent": silent,
    "one-begins": one_begins,
    "endless": endless,
    "tools": tools,
    "parallel-tools": partial(tools, count=2),
    "reasoning": reasoning,
    "bytewise": partial(over, wire=Bytewise),
    "carriage-returns": partial(over, wire=CarriageReturns),
    "compressed": partial(over, wire=Compressed),
    "damaged": partial(over, wire=Damaged),
    "refusal": refusal,
    "big": big,
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
}

ANY_KIND: Mapping[str, Behaviour] = {**GOOD, **FAULTS}
