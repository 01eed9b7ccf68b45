"""From an upstream's body to events: the one loop that every provider's `stream()` runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from core.chat.errors import UpstreamTruncated
from core.chat.events import Batch, StreamEvent, ToolCallDelta
from core.wire.frames import Frame, Framing


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


def decode_chunk(chunk: bytes, framing: Framing, decoder: Decoder) -> list[StreamEvent]:
    """The events that `chunk` completes."""
    return _decode(framing.feed(chunk), decoder)


def decode_end(framing: Framing, decoder: Decoder) -> list[StreamEvent]:
    """The events that the end of the body brings."""
    if decoder.finished:
        return []
    events = _decode(framing.end(), decoder)
    if not decoder.finished:
        events += decoder.end()
    return events


async def decode_body(chunks: AsyncIterator[bytes], framing: Framing, decoder: Decoder) -> AsyncIterator[Batch]:
    """The events of a whole body, a batch for each read that completed some."""
    async for chunk in chunks:
        if batch := _decode(framing.feed(chunk), decoder):
            yield batch
        if decoder.finished:
            return
    if batch := decode_end(framing, decoder):
        yield batch


def _decode(frames: list[Frame], decoder: Decoder) -> list[StreamEvent]:
    events: list[StreamEvent] = []
    for frame in frames:
        if decoder.finished:
            break
        decoded = decoder.decode(frame)
        if frame.damaged:
            decoded = list(decoded)
            if any(isinstance(event, ToolCallDelta) for event in decoded):
                raise UpstreamTruncated("The upstream damaged the arguments of a tool call.")
        events += decoded
    return events
