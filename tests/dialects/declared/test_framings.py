"""The framings that a description can name, beyond what those of the wire promise."""

from __future__ import annotations

import pytest

from core.chat.errors import UpstreamError
from core.dialects.declared.framings import FRAMINGS, WholeFraming
from core.wire.frames import MAX_EVENT, Frame


def frames(name: str, body: bytes) -> list[Frame]:
    whole, cut = FRAMINGS[name](), FRAMINGS[name]()
    found = [*whole.feed(body), *whole.end()]
    assert [frame for place in range(len(body)) for frame in cut.feed(body[place : place + 1])] + cut.end() == found
    return found


@pytest.mark.parametrize(
    ("name", "body", "found"),
    [
        ("sse", b"event: e\ndata: a\ndata: b\n\n", [Frame("a\nb", "e")]),
        ("ndjson", b'{"a":1}\r\n\n{"b":', [Frame('{"a":1}'), Frame('{"b":')]),
        ("prefix_lines", b'0:"a"\nd:{"b":1}', [Frame('"a"', "0"), Frame('{"b":1}', "d")]),
        (
            "lines",
            b'\xef\xbb\xbf: hi\nevent: x\nid: 1\nretry: 5\ndata: {"a":1}\n{"b":2}\ndata:{"c":3}',
            [Frame('{"a":1}'), Frame('{"b":2}'), Frame('{"c":3}')],
        ),
        ("json_array", b'[{"a":1},\n{"b":2}]', [Frame('{"a":1}'), Frame('{"b":2}')]),
        ("json_concat", b'{"a":1}{"b":2}', [Frame('{"a":1}'), Frame('{"b":2}')]),
        ("json_once", b'\xef\xbb\xbf [{"a":\n1}] \n', [Frame('[{"a":\n1}]')]),
        ("json_once", b" \n", []),
    ],
)
def test_frames(name: str, body: bytes, found: list[Frame]) -> None:
    assert frames(name, body) == found


def test_raw_text_comes_as_it_comes() -> None:
    framing = FRAMINGS["raw_text"]()
    assert framing.feed("a世".encode()[:2]) == [Frame("a")]
    assert framing.feed("世b".encode()[1:]) == [Frame("世b")]


def test_a_whole_body_is_bounded() -> None:
    framing = WholeFraming()
    framing.feed(b" " * MAX_EVENT)
    with pytest.raises(UpstreamError, match="32 MiB"):
        framing.feed(b" ")
