"""The one loop from bytes to events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import pytest

from core.chat.errors import UpstreamError, UpstreamTruncated
from core.chat.events import Batch, Finish, StreamEvent, TextDelta, ToolCallDelta
from core.wire.decoding import decode_body
from core.wire.frames import Frame
from core.wire.lines import LineFraming


class Words:
    """`"text"` is text, `"!"` an error, `"."` the end, `"{"` a tool's argument."""

    finished = False

    def decode(self, frame: Frame) -> Iterable[StreamEvent]:
        word = frame.data.strip('"')
        if word == "!":
            raise UpstreamError("boom")
        if word == ".":
            self.finished = True
            return [Finish("stop")]
        return [ToolCallDelta("c", word) if word.startswith("{") else TextDelta(word)]

    def end(self) -> Iterable[StreamEvent]:
        raise UpstreamTruncated


async def batches(*chunks: bytes) -> tuple[list[Batch], UpstreamError | None]:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    seen: list[Batch] = []
    try:
        async for batch in decode_body(body(), LineFraming(), Words()):
            seen.append(batch)  # noqa: PERF401  # what came before the error counts
    except UpstreamError as error:
        return seen, error
    return seen, None


async def test_what_one_read_brought_is_one_batch() -> None:
    assert await batches(b'"a"\n"b"\n', b'"c', b'"\n"."\n') == (
        [[TextDelta("a"), TextDelta("b")], [TextDelta("c"), Finish("stop")]],
        None,
    )


async def test_the_words_before_an_error_are_not_lost_with_it() -> None:
    seen, error = await batches(b'"a"\n"!"\n"b"\n')
    assert seen == [[TextDelta("a")]]
    assert error is not None
    assert error.message == "boom"


async def test_a_body_that_just_stops_is_truncated_after_its_last_words() -> None:
    seen, error = await batches(b'"a"\n"b"')
    assert seen == [[TextDelta("a")], [TextDelta("b")]]
    assert isinstance(error, UpstreamTruncated)


async def test_nothing_is_read_after_the_end() -> None:
    assert await batches(b'"."\n"a"\n', b'"!"\n') == ([[Finish("stop")]], None)


@pytest.mark.parametrize("word", [b'"\xff"', b'"{\xff"'])
async def test_damaged_text_passes_and_damaged_arguments_do_not(word: bytes) -> None:
    seen, error = await batches(word + b'\n"."\n')
    assert isinstance(error, UpstreamTruncated) if b"{" in word else error is None
    assert len(seen) == (0 if b"{" in word else 1)
