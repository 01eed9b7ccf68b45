"""From an upstream's body to events: the one loop that every provider's `stream()` runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from typing import Protocol

from core.chat.errors import UpstreamError, UpstreamTruncated
from core.chat.events import Batch, StreamEvent, ToolCallDelta
from core.wire.frames import Frame, Framing

GRACE = 0.02
"""Seconds that an upstream has to end its body after the end of its answer."""


class Decoder(Protocol):
    """What the frames of one answer mean. One object decodes one answer."""

    finished: bool
    """True once nothing more can follow; what comes after is not read."""

    def decode(self, frame: Frame) -> Iterable[StreamEvent]:
        """The events in `frame`. Raises `UpstreamError` where the upstream says that it failed."""
        ...

    def end(self) -> Iterable[StreamEvent]:
        """The events that the end of the body brings, `Finish` last if it did not come yet.

        Raises `UpstreamTruncated` where the body may not end here.
        """
        ...


def decode_chunk(chunk: bytes, framing: Framing, decoder: Decoder) -> Iterator[StreamEvent]:
    """The events that `chunk` completes. What came before an error comes before its exception, too."""
    yield from _decode(framing.feed(chunk), decoder)


def decode_end(framing: Framing, decoder: Decoder) -> Iterator[StreamEvent]:
    """The events that the end of the body brings."""
    if not decoder.finished:
        yield from _decode(framing.end(), decoder)
    if not decoder.finished:
        yield from decoder.end()


async def decode_body(chunks: AsyncIterator[bytes], framing: Framing, decoder: Decoder) -> AsyncGenerator[Batch]:
    """The events of a whole body, a batch for each read that completed some."""
    async for chunk in chunks:
        batch, failure = _gathered(decode_chunk(chunk, framing, decoder))
        if decoder.finished:
            await _let_it_end(chunks)
        if batch:
            yield batch
        if failure is not None:
            raise failure
        if decoder.finished:
            return
    batch, failure = _gathered(decode_end(framing, decoder))
    if batch:
        yield batch
    if failure is not None:
        raise failure


async def _let_it_end(chunks: AsyncIterator[bytes]) -> None:
    """Most upstreams end the body right after the end of the answer; a connection that is at rest can be used again."""
    with suppress(TimeoutError, UpstreamError):
        async with asyncio.timeout(GRACE):
            await anext(chunks, None)


def _gathered(events: Iterator[StreamEvent]) -> tuple[list[StreamEvent], UpstreamError | None]:
    """All events up to the error that ended them, if one did: an answer's last words are not lost with it."""
    batch: list[StreamEvent] = []
    try:
        for event in events:
            batch.append(event)  # noqa: PERF402  # extend() does not say what it keeps when the iterator raises
    except UpstreamError as failure:
        return batch, failure
    return batch, None


def _decode(frames: list[Frame], decoder: Decoder) -> Iterator[StreamEvent]:
    for frame in frames:
        if decoder.finished:
            break
        events = decoder.decode(frame)
        if frame.damaged:
            events = list(events)
            if any(isinstance(event, ToolCallDelta) for event in events):
                raise UpstreamTruncated("The upstream damaged the arguments of a tool call.")
        yield from events
