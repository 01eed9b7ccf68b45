import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat.errors import UpstreamError, UpstreamTruncated
from core.wire.frames import MAX_LINE, Frame
from core.wire.lines import LineFraming
from tests.support.framing import CUTS, cut_at, frames, pieces, texts, unhurried
from tests.support.recordings import cuts

LINES = st.lists(st.binary(max_size=8).map(lambda line: line.replace(b"\n", b"")), max_size=8)


@unhurried
@given(LINES, st.sampled_from([b"\n", b"\r\n"]), CUTS)
def test_any_lines_in_any_pieces(lines: list[bytes], ending: bytes, offsets: list[int]) -> None:
    body = b"".join(line + ending for line in lines)
    lines[:1] = [line.removeprefix(b"\xef\xbb\xbf") for line in lines[:1]]
    expected = [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines if line.strip()]
    assert texts(frames(LineFraming(), *cut_at(body, offsets))) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1}\r\n\n \r\n{"b":2}\n', [Frame('{"a":1}'), Frame('{"b":2}')]),
        (b'\xef\xbb\xbf{"a":1}\n', [Frame('{"a":1}')]),
        (b'{"a":1}\n{"b":2}', [Frame('{"a":1}'), Frame('{"b":2}')]),
        (b'{"a":1}\n{"b":', [Frame('{"a":1}')]),
        (b'{"a":1}\n[DONE]', [Frame('{"a":1}')]),
        (b"plain\n", [Frame("plain")]),
        (b'"\xff"\n', [Frame('"\ufffd"', damaged=True)]),
        (b"data: {}\n", [Frame("data: {}")]),
        (b"", []),
    ],
)
def test_a_frame_per_line(body: bytes, expected: list[Frame]) -> None:
    for chunks in cuts(body):
        assert frames(LineFraming(), *chunks) == expected


def test_a_data_prefix_is_tolerated_where_that_is_wanted() -> None:
    body = b'data: {"t":"a"}\n{"t":"b"}\n\ndata:{"t":"c"}\ndata: {"t":"d"}'
    for chunks in cuts(body):
        found = frames(LineFraming(sse_prefix=True), *chunks)
        assert [json.loads(text)["t"] for text in texts(found)] == ["a", "b", "c", "d"]


def test_codes_stand_before_the_first_colon() -> None:
    body = b'f:{"messageId":"m1"}\n0:"a: b"\r\nno code\nd:{"finishReason":"stop"}'
    for chunks in cuts(body):
        assert frames(LineFraming(codes=True), *chunks) == [
            Frame('{"messageId":"m1"}', "f"),
            Frame('"a: b"', "0"),
            Frame("no code"),
            Frame('{"finishReason":"stop"}', "d"),
        ]


def test_a_cut_line_with_a_code_is_dropped() -> None:
    assert frames(LineFraming(codes=True), b'0:"a"\nd:{"finishReason":') == [Frame('"a"', "0")]


def test_a_last_line_nested_too_deeply_to_be_parsed_is_dropped() -> None:
    assert frames(LineFraming(), b"[" * 200_000) == []


@pytest.mark.parametrize("size", [1024, MAX_LINE * 2])
def test_lines_are_bounded(size: int) -> None:
    longest = b"x" * MAX_LINE
    assert [len(text) for text in texts(frames(LineFraming(), *pieces(longest + b"\n", size)))] == [MAX_LINE]
    for body in (longest + b"x", longest + b"x\n", b"x\n" + longest + b"x"):
        with pytest.raises(UpstreamError) as caught:
            frames(LineFraming(), *pieces(body, size))
        assert caught.value.code == "upstream_event_too_large"


def test_a_line_that_is_too_long_is_refused_before_it_has_ended() -> None:
    framing = LineFraming()
    framing.feed(bytes(MAX_LINE))
    with pytest.raises(UpstreamError):
        framing.feed(b"x")


@pytest.mark.parametrize(("rest", "cut"), [(b'{"a":', True), (b'{"a":1}', False), (b"[DONE]", False), (b"", False)])
def test_a_cut_object_is_an_error_where_nothing_else_marks_the_end(rest: bytes, cut: bool) -> None:
    framing = LineFraming(cut_is_error=True)
    assert texts(framing.feed(b'{"b":2}\n' + rest)) == ['{"b":2}']
    with pytest.raises(UpstreamTruncated) if cut else nullcontext():
        framing.end()
