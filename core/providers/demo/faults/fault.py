"""What a fault is, and the ordinary answer that most faults spoil."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from core.providers.demo.asked import Asked
from core.providers.demo.connection import Connection
from core.providers.demo.replies import Chunk, Reply, answer, chunks, headers, pieces, words

Script = Callable[[Connection, Asked], Awaitable[None]]

TEXT: Final = "one two three four five six seven eight nine ten"
NORMAL: Final = "a normal answer"
SPOILT: Final = "an error, after some of the answer or instead of it, and no [DONE]"
SLOW: Final = 20.0
MIDDLE: Final = 6  # events of a stream: the role and five words


@dataclass(frozen=True, slots=True)
class Fault:
    """A model that misbehaves: what its upstream does, and what a client of the gateway must see of that."""

    name: str
    upstream: str
    client: str
    script: Script


def reply() -> Reply:
    return Reply([{"content": word} for word in words(TEXT)])


async def behave(connection: Connection, asked: Asked) -> None:
    """The answer as it should be."""
    await answer(connection, asked, reply())


def stream(asked: Asked) -> list[Chunk]:
    return chunks(asked, reply())


def halves(asked: Asked) -> tuple[bytes, bytes]:
    """The whole body of the answer, cut after some of its text."""
    body = pieces(asked, stream(asked))
    if asked.stream:
        return b"".join(body[:MIDDLE]), b"".join(body[MIDDLE:])
    middle = body[0].index(b"six")
    return body[0][:middle], body[0][middle:]


async def deliver(connection: Connection, asked: Asked, body: Sequence[bytes]) -> None:
    """Send a body in pieces, in good HTTP."""
    await connection.begin(headers(asked))
    for piece in body:
        await connection.chunk(piece)
    await connection.end()
