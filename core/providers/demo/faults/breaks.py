"""Faults that break an answer in the middle. A whole JSON answer breaks just as a stream does."""

from __future__ import annotations

from typing import Final

from core.providers.demo.asked import Asked
from core.providers.demo.connection import Connection, to_json
from core.providers.demo.faults.fault import NORMAL, SLOW, Fault, halves, stream
from core.providers.demo.replies import error, event, headers

_BREATH: Final = 0.05
_FAILED: Final = error("The server had an error while processing your request.", "server_error")


async def cut(connection: Connection, asked: Asked) -> None:
    await connection.head(200, {**headers(asked), "Connection": "close"})
    await connection.send(halves(asked)[0])
    connection.close()


async def cut_chunk(connection: Connection, asked: Asked) -> None:
    await connection.begin(headers(asked))
    await connection.chunk(halves(asked)[0])
    await connection.send(b"400\r\nonly the first bytes of a chunk of 1024")
    connection.close()


async def cut_length(connection: Connection, asked: Asked) -> None:
    first, second = halves(asked)
    await connection.head(200, {**headers(asked), "Content-Length": str(len(first) + len(second))})
    await connection.send(first)
    connection.close()


async def reset(connection: Connection, asked: Asked) -> None:
    await connection.begin(headers(asked))
    await connection.chunk(halves(asked)[0])
    await connection.pause(_BREATH)
    connection.reset()


async def stall(connection: Connection, asked: Asked) -> None:
    await connection.begin(headers(asked))
    await connection.chunk(halves(asked)[0])
    await connection.hold()


async def be_slow(connection: Connection, asked: Asked) -> None:
    first, second = halves(asked)
    await connection.begin(headers(asked))
    await connection.chunk(first)
    await connection.pause(SLOW)
    await connection.chunk(second)
    await connection.end()


async def fail(connection: Connection, asked: Asked) -> None:
    await connection.begin(headers(asked))
    if asked.stream:
        await connection.chunk(halves(asked)[0])
        await connection.pause(_BREATH)
        await connection.chunk(event(_FAILED))
    else:
        await connection.chunk(to_json(_FAILED))
    await connection.end()


async def talk_forever(connection: Connection, asked: Asked) -> None:
    flood = event(stream(asked)[1]) * 512
    await connection.begin()
    while True:
        await connection.chunk(flood)


BROKEN: Final = "the text so far, then an error in the stream and no [DONE]; 502 upstream_truncated for a whole answer"

# fmt: off
BREAKS: Final = (
    Fault("fault-cut", "closes the connection in good order after some text",
          BROKEN, cut),
    Fault("fault-cut-chunk", "closes the connection within a chunk of the body",
          BROKEN, cut_chunk),
    Fault("fault-short-length", "closes the connection before the announced length",
          BROKEN, cut_length),
    Fault("fault-reset-mid-stream", "resets the connection after some text",
          BROKEN, reset),
    Fault("fault-stall-mid-stream", "falls silent for good after some text",
          "the text so far and, after the idle timeout, an error; 504 upstream_timeout for a whole answer", stall),
    Fault("fault-slow-mid", f"falls silent for {SLOW:.0f} s after some text",
          NORMAL, be_slow),
    Fault("fault-error-event-mid-stream", "reports an error after some text",
          "the text so far, then that error and no [DONE]; 502 for a whole answer", fail),
    Fault("fault-endless", "talks as fast as it can and never ends",
          "text up to a bound, then an error and no [DONE]; 502 for a whole answer", talk_forever),
)
# fmt: on
