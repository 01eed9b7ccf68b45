"""Faults that call themselves a success: the status is 2xx, and what follows is no answer or looks like none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.providers.demo.asked import Asked
from core.providers.demo.connection import EVENT_STREAM, JSON, Connection
from core.providers.demo.faults.fault import NORMAL, Fault, Script, deliver, stream
from core.providers.demo.replies import DONE, completion, error, event, headers, pieces

_HTML: Final = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>Please log in</h1></body></html>"
_LIMIT: Final = error("Rate limit reached for requests.", "rate_limit_error", 429)
_BUSY: Final = error("The engine is currently overloaded.", "overloaded_error", 529)


def say(body: bytes, content_type: Mapping[str, str] = EVENT_STREAM) -> Script:
    async def script(connection: Connection, _: Asked) -> None:
        await connection.reply(200, body, content_type)

    return script


async def report_limit(connection: Connection, _: Asked) -> None:
    await connection.reply(200, _LIMIT)


async def say_no_content(connection: Connection, _: Asked) -> None:
    await connection.head(204, {})


async def hint_and_close(connection: Connection, _: Asked) -> None:
    await connection.head(103, {"Link": "</style.css>; rel=preload"})
    connection.close()


async def mislabel(connection: Connection, asked: Asked) -> None:
    await connection.reply(200, b"".join(pieces(asked, stream(asked))), {"Content-Type": "text/plain"})


async def never_stream(connection: Connection, asked: Asked) -> None:
    await connection.reply(200, completion(stream(asked)))


async def always_stream(connection: Connection, asked: Asked) -> None:
    await deliver(connection, Asked({**asked.body, "stream": True}), [*map(event, stream(asked)), DONE])


async def fail_at_once(connection: Connection, asked: Asked) -> None:
    await connection.reply(200, event(_BUSY) if asked.stream else _BUSY, headers(asked))


EMPTY: Final = "502 upstream_empty"
LIMITED: Final = "429 rate_limited"

# fmt: off
SUCCESSES: Final = (
    Fault("fault-http-200-error-json", "says 200 with a JSON error inside",
          LIMITED, report_limit),
    Fault("fault-http-200-error-event", "begins its stream with an error event",
          "503 upstream_http_529", fail_at_once),
    Fault("fault-http-200-html", "shows a web page",
          "502 upstream_bad_response with the page's first words", say(_HTML, {"Content-Type": "text/html"})),
    Fault("fault-http-200-empty", "sends a body of no bytes",
          EMPTY, say(b"")),
    Fault("fault-http-200-garbage", "sends JSON that holds no answer",
          "502 upstream_bad_response", say(b'{"ok":true}', JSON)),
    Fault("fault-only-done", "sends [DONE] and nothing else",
          EMPTY, say(DONE)),
    Fault("fault-http-204", "says that there is no content",
          EMPTY, say_no_content),
    Fault("fault-http-103", "sends an interim answer and closes",
          "502 upstream_unreachable", hint_and_close),
    Fault("fault-wrong-content-type", "calls its answer text/plain",
          NORMAL, mislabel),
    Fault("fault-whole-json", "answers in one piece though a stream was asked for",
          NORMAL, never_stream),
    Fault("fault-sse-anyway", "streams though a whole answer was asked for",
          NORMAL, always_stream),
)
# fmt: on
