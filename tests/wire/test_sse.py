import re
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.chat.errors import UpstreamError
from core.wire.frames import MAX_EVENT, MAX_LINE, Frame
from core.wire.sse import SSEFraming
from tests.support.framing import CUTS, cut_at, frames, pieces, texts, unhurried
from tests.support.recordings import cuts

TOKENS = [b"data", b"event", b"id: 1", b"retry", b":", b" ", b"\n", b"\n\n", b"\r", b"\r\n", b"x", "é".encode(),
          b"\xff", b"\xef\xbb\xbf", b"data: y\n\n"]  # fmt: skip
BODIES = st.lists(st.sampled_from(TOKENS), max_size=24).map(b"".join)


def by_the_standard(body: bytes) -> list[Frame]:
    """The same, line by line, word for word as the standard has it; an open last event counts."""
    found = []
    data, event = None, b""
    for line in [*re.split(rb"\r\n|\n|\r", body.removeprefix(b"\xef\xbb\xbf")), b""]:
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            data = value if data is None else data + b"\n" + value
        elif name == b"event":
            event = value
        elif not line:
            if data is not None:
                text = data.decode("utf-8", "replace")
                found.append(Frame(text, event.decode("utf-8", "replace"), damaged=text.encode() != data))
            data, event = None, b""
    return found


@unhurried
@given(BODIES, CUTS)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [8, 10])
@example(b"data: a\n\ndata: b\n\n", [8])
@example(b"\xef\xbb\xbfdata: a", [1, 2])
@example(b"data: a\r\r\n", [9])
def test_any_bytes_in_any_pieces_are_read_as_the_standard_says(body: bytes, offsets: list[int]) -> None:
    assert frames(SSEFraming(), *cut_at(body, offsets)) == by_the_standard(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [Frame("a"), Frame("b")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [Frame("a"), Frame("b"), Frame("c")]),
        (b"data: a\r\ndata: b\r\n\r\n", [Frame("a\nb")]),
        (b"data: a\ndata\ndata:  b\n\n", [Frame("a\n\n b")]),
        (b"data:a\n\ndata:\n\n", [Frame("a"), Frame("")]),
        (b": ping\n\ndata: a\n\n:\n\n", [Frame("a")]),
        (b"event: ping\n\ndata: a\n\n", [Frame("a")]),
        (b"event: delta\nid: 7\nretry: 10\ndata: a\n\ndata: b\n\n", [Frame("a", "delta"), Frame("b")]),
        (b"data: a\nnonsense: x\ndatab: y\n\n", [Frame("a")]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [Frame("a")]),
        (b"data: a\n\ndata: open", [Frame("a"), Frame("open")]),
        (b"data: a\n\nevent: open\n", [Frame("a")]),
        (b"data: \xff\n\n", [Frame("\ufffd", damaged=True)]),
        ("data: 😀é\n\n".encode(), [Frame("😀é")]),
        (b"", []),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_oddities_survive_every_cut(body: bytes, expected: list[Frame]) -> None:
    for chunks in cuts(body):
        assert frames(SSEFraming(), *chunks) == expected


def test_an_event_is_given_as_soon_as_its_blank_line_came() -> None:
    framing = SSEFraming()
    assert framing.feed(b"data: a\n") == []
    assert framing.feed(b"\ndata: b\r\n\r") == [Frame("a"), Frame("b")]
    assert framing.feed(b"\n") == []


@pytest.mark.parametrize("size", [1024, 65536, 32 * 1024 * 1024])
def test_the_longest_line_passes_in_pieces_of_any_size(size: int) -> None:
    line = b"data: " + b"x" * (MAX_LINE - 6)
    assert texts(frames(SSEFraming(), *pieces(line + b"\n\n", size))) == ["x" * (MAX_LINE - 6)]


@pytest.mark.parametrize("size", [1024, 65536, 32 * 1024 * 1024])
@pytest.mark.parametrize("ending", [b"", b"\n\n"])
def test_a_longer_line_is_refused(size: int, ending: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        frames(SSEFraming(), *pieces(b"data: " + b"x" * MAX_LINE + ending, size))
    assert caught.value.code == "upstream_event_too_large"


@pytest.mark.parametrize("size", [65536, 64 * 1024 * 1024])
def test_an_event_of_too_many_lines_is_refused(size: int) -> None:
    line = b"data: " + b"x" * (MAX_EVENT // 8) + b"\n"
    with pytest.raises(UpstreamError) as caught:
        frames(SSEFraming(), *pieces(line * 9 + b"\n", size))
    assert caught.value.code == "upstream_event_too_large"


def test_lines_are_measured_one_by_one() -> None:
    line = b"data: " + b"x" * (MAX_LINE - 1000)
    found = frames(SSEFraming(), *pieces(line + b"\n" + line + b"\n\n", 65536))
    assert [len(text) for text in texts(found)] == [2 * (MAX_LINE - 1000) + 1]


def test_what_is_too_large_is_refused_before_it_has_ended() -> None:
    framing = SSEFraming()
    for chunk in (b"data: a\n", b"data: b", b"\n\n", bytes(MAX_LINE)):
        framing.feed(chunk)
    with pytest.raises(UpstreamError):
        framing.feed(b"x")
    framing = SSEFraming()
    for _ in range(4):
        framing.feed(bytes(MAX_EVENT // 4 - 1) + b"\n")
    with pytest.raises(UpstreamError):
        framing.feed(b"x")


def test_many_events_in_one_chunk_are_no_large_event() -> None:
    event = b"data: " + b"x" * (MAX_EVENT // 8) + b"\n\n"
    assert len(frames(SSEFraming(), b"data: a", b"\n\n" + event * 9)) == 10


def test_a_giant_line_costs_no_more_than_the_bound() -> None:
    chunk = b"x" * 65536
    tracemalloc.start()
    try:
        with pytest.raises(UpstreamError):
            frames(SSEFraming(), *[chunk] * 320)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * MAX_LINE
