"""Faults in the bytes: a lawful answer in a form that is hard to read, or cannot be read at all.

They are a stream's faults. Where a whole answer was asked for, it comes in the same state if it can, else as usual.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from typing import Final

from core.providers.demo.asked import Asked
from core.providers.demo.connection import EVENT_STREAM, Connection
from core.providers.demo.faults.fault import MIDDLE, NORMAL, SPOILT, Fault, Script, deliver, halves, stream
from core.providers.demo.replies import DONE, Reply, chunks, event, headers, pieces, words

_GZIP: Final = {"Content-Encoding": "gzip"}
_MEBIBYTE: Final = 1024 * 1024
_GIANT: Final = 20
_BOMB: Final = 256
_BROKEN_EVENT: Final = b'data: {"choices":[{"index":0,"delta":{"content":" fi\n\n'
_LINE_ENDS: Final = (b"\r\n", b"\r", b"\n")


def reshaped(shape: Callable[[list[bytes]], Sequence[bytes]]) -> Script:
    """The events of a stream, made into other bytes."""

    async def script(connection: Connection, asked: Asked) -> None:
        body = pieces(asked, stream(asked))
        await deliver(connection, asked, shape(body) if asked.stream else body)

    return script


def without_done(events: list[bytes]) -> Sequence[bytes]:
    return events[:-1]


def with_more_after_done(events: list[bytes]) -> Sequence[bytes]:
    return [*events, event({"choices": [{"index": 0, "delta": {"content": " eleven"}}]})]


def with_two_dones(events: list[bytes]) -> Sequence[bytes]:
    return [*events, DONE]


def with_broken_events(count: int) -> Callable[[list[bytes]], Sequence[bytes]]:
    return lambda events: [*events[:MIDDLE], *[_BROKEN_EVENT] * count, *events[MIDDLE:]]


def with_mixed_line_ends(events: list[bytes]) -> Sequence[bytes]:
    return [each.replace(b"\n", _LINE_ENDS[position % 3]) for position, each in enumerate(events)]


def with_every_liberty(events: list[bytes]) -> Sequence[bytes]:
    """A byte order mark, comments, other fields, no space after the colon, an event over two lines."""
    decorated = [b": comment\nevent: message\nid: 7\nretry: 100\n" + each for each in events]
    decorated[2] = decorated[2].replace(b',"choices"', b'\ndata: ,"choices"')
    decorated[3] = decorated[3].replace(b"data: ", b"data:")
    return [b"\xef\xbb\xbf" + decorated[0], *decorated[1:]]


async def split_letters(connection: Connection, asked: Asked) -> None:
    reply = Reply([{"content": word} for word in words("naïve café — 你好，世界 🦊")])
    body = b"".join(pieces(asked, chunks(asked, reply)))
    await deliver(connection, asked, [body[at : at + 1] for at in range(len(body))])


async def write_latin(connection: Connection, asked: Asked) -> None:
    body = [piece.replace(b"five", b"f\xefve") for piece in pieces(asked, stream(asked))]
    await deliver(connection, asked, body)


async def compress(connection: Connection, asked: Asked) -> None:
    await connection.reply(200, gzip.compress(b"".join(halves(asked))), {**headers(asked), **_GZIP})


async def compress_in_part(connection: Connection, asked: Asked) -> None:
    body = gzip.compress(b"".join(halves(asked)))
    await connection.reply(200, body[: len(body) // 2], {**headers(asked), **_GZIP})


async def pretend_to_compress(connection: Connection, asked: Asked) -> None:
    await connection.reply(200, b"".join(halves(asked)), {**headers(asked), **_GZIP})


async def send_bomb(connection: Connection, asked: Asked) -> None:
    await connection.begin({**headers(asked), **_GZIP})
    press = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(_BOMB):
        if pressed := press.compress(bytes(_MEBIBYTE)):
            await connection.chunk(pressed)
    await connection.chunk(press.flush())
    await connection.end()


async def send_giant_line(connection: Connection, asked: Asked) -> None:
    """Always streamed, since it is the line that is too long."""
    body = pieces(Asked({**asked.body, "stream": True}), stream(asked))
    before, after = body[1].split(b"one")
    await deliver(connection, asked, [body[0], before, *[b"x" * _MEBIBYTE] * _GIANT, after, *body[2:]])


async def chatter(connection: Connection, asked: Asked) -> None:
    """So many events, many to a write and each in a chunk of its own."""
    tiny = event({"choices": [{"index": 0, "delta": {"content": "x"}}]})
    first, *_, last = stream(Asked({**asked.body, "stream": True, "stream_options": None}))
    await connection.begin(EVENT_STREAM)
    await connection.chunk(event(first))
    for _ in range(TINY // 100):
        await connection.send((b"%x\r\n%s\r\n" % (len(tiny), tiny)) * 100)
    await connection.chunk(event(last) + DONE)
    await connection.end()


TINY: Final = 100_000

# fmt: off
ENCODINGS: Final = (
    Fault("fault-no-done", "ends its stream after the finish reason, without [DONE]",
          NORMAL, reshaped(without_done)),
    Fault("fault-data-after-done", "goes on talking after [DONE]",
          "a normal answer without the rest", reshaped(with_more_after_done)),
    Fault("fault-double-done", "says [DONE] twice",
          "a normal answer with one [DONE]", reshaped(with_two_dones)),
    Fault("fault-malformed-event", "sends one event that is no JSON",
          "a normal answer without that event", reshaped(with_broken_events(1))),
    Fault("fault-malformed-3", "sends three events in a row that are no JSON",
          SPOILT, reshaped(with_broken_events(3))),
    Fault("fault-crlf", "ends its lines in CRLF, CR and LF by turns",
          NORMAL, reshaped(with_mixed_line_ends)),
    Fault("fault-bom-comments", "takes every liberty that server-sent events allow",
          NORMAL, reshaped(with_every_liberty)),
    Fault("fault-utf8-split", "sends every byte in a chunk of its own, also within a letter",
          "a normal answer with no letter damaged", split_letters),
    Fault("fault-invalid-utf8", "sends a byte that is no UTF-8",
          "a normal answer with U+FFFD in its place", write_latin),
    Fault("fault-giant-line", f"sends one line of {_GIANT} MiB",
          "502 upstream_event_too_large", send_giant_line),
    Fault("fault-gzip", "compresses though it was asked not to",
          NORMAL, compress),
    Fault("fault-gzip-truncated", "sends half of a compressed body",
          SPOILT, compress_in_part),
    Fault("fault-gzip-lie", "calls a plain body compressed",
          "502 upstream_bad_response", pretend_to_compress),
    Fault("fault-gzip-bomb", f"sends {_BOMB} MiB of zeros compressed to almost nothing",
          "502 upstream_bad_response", send_bomb),
    Fault("fault-many-tiny", f"sends {TINY} events of one letter",
          "a normal answer of that many letters", chatter),
)
# fmt: on
