"""What an answer comes to, event by event, so that what was said before a failure counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from core.chat.completion import Collector, Completion
from core.chat.errors import UpstreamError
from core.chat.events import StreamEvent
from core.chat.options import Options
from core.dialects.declared.decoder import Decoder
from core.dialects.declared.response import Response
from core.dialects.declared.response_reading import read_response
from core.dialects.inline import Transform, TransformedDecoder
from core.wire.decoding import Decoder as AnyDecoder
from core.wire.frames import Frame, Framing


@dataclass
class Outcome:
    completion: Completion
    error: UpstreamError | None


def described(**table: Any) -> Response:
    """A description from its table, given as keywords."""
    return read_response(Options("response", table))


def replayed(response: Response, chunks: list[bytes], transform: Callable[[], Transform] | None = None) -> Outcome:
    """What `chunks` come to; a body that begins like JSON is read as such, as the provider does."""
    start = chunks[0].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] if chunks else b""
    response = response.for_answer(start, "")
    decoder: AnyDecoder = Decoder(response)
    if transform:
        decoder = TransformedDecoder(decoder, transform)
    return collected(chunks, response.new_framing(), decoder)


def collected(chunks: Iterable[bytes], framing: Framing, decoder: AnyDecoder) -> Outcome:
    collector = Collector()
    error = None
    try:
        for event in _events(chunks, framing, decoder):
            collector.add(event)
    except UpstreamError as failure:
        error = failure
    return Outcome(collector.completion(), error)


def _events(chunks: Iterable[bytes], framing: Framing, decoder: AnyDecoder) -> Iterator[StreamEvent]:
    for frame in _frames(chunks, framing):
        yield from decoder.decode(frame)
        if decoder.finished:
            return
    yield from decoder.end()


def _frames(chunks: Iterable[bytes], framing: Framing) -> Iterator[Frame]:
    for chunk in chunks:
        yield from framing.feed(chunk)
    yield from framing.end()
