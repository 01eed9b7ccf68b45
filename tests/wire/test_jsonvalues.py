import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat.errors import UpstreamError
from core.wire.frames import MAX_EVENT, Frame
from core.wire.jsonvalues import JsonValuesFraming
from tests.support.framing import CUTS, cut_at, frames, pieces, texts, unhurried
from tests.support.recordings import cuts

SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('"\\{}[],: aé😀\n'), max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=4)
LAYOUTS = st.fixed_dictionaries({"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 1])})


def parsed(chunks: list[bytes]) -> list[Any]:
    return [json.loads(text) for text in texts(frames(JsonValuesFraming(), *chunks))]


@unhurried
@given(st.lists(VALUES, max_size=4), LAYOUTS, CUTS)
def test_the_elements_of_an_array(values: list[Any], layout: dict[str, Any], offsets: list[int]) -> None:
    assert parsed(cut_at(json.dumps(values, **layout).encode(), offsets)) == values


@unhurried
@given(OBJECTS, LAYOUTS, st.sampled_from(["", "\n", ", ", "\x1e"]), CUTS)
def test_objects_one_after_another(values: list[Any], layout: dict[str, Any], between: str, offsets: list[int]) -> None:
    body = between.join(json.dumps(value, **layout) for value in values).encode()
    assert parsed(cut_at(body, offsets)) == values


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":"}\\"]"}{"b":{}}', ['{"a":"}\\"]"}', '{"b":{}}']),
        (b'\xef\xbb\xbf[{"a":1}\r\n, 2,"x", [3,[4]],null]', ['{"a":1}', "2", '"x"', "[3,[4]]", "null"]),
        (b'[1][{"a":2}] {"b":3}', ["1", '{"a":2}', '{"b":3}']),
        (b'"\\\\" "\\""', ['"\\\\"', '"\\""']),
        (b"[]", []),
        (b"17", ["17"]),
        (b"Bad gateway", ["Bad", "gateway"]),
        (b'{"a":1}{"b":"', ['{"a":1}']),
        (b'[{"a":1},{"b":[2]', ['{"a":1}']),
        (b'"open', []),
        (b" \n", []),
    ],
)
def test_where_values_end(body: bytes, expected: list[str]) -> None:
    for chunks in cuts(body):
        assert texts(frames(JsonValuesFraming(), *chunks)) == expected


def test_a_value_is_given_as_soon_as_it_is_whole() -> None:
    framing = JsonValuesFraming()
    assert framing.feed(b'[{"a":1') == []
    assert framing.feed(b"}") == [Frame('{"a":1}')]


def test_bytes_that_are_no_text_are_marked() -> None:
    assert frames(JsonValuesFraming(), b'{"a":"\xff"}') == [Frame('{"a":"\ufffd"}', damaged=True)]


@pytest.mark.parametrize("size", [1024, MAX_EVENT * 2])
def test_values_are_bounded(size: int) -> None:
    longest = b'["' + b"x" * (MAX_EVENT - 2) + b'"]'
    assert [len(text) for text in texts(frames(JsonValuesFraming(), *pieces(longest, size)))] == [MAX_EVENT]
    for body in (b'["x' + longest[2:], b'["xx' + longest[2:-2]):
        with pytest.raises(UpstreamError) as caught:
            frames(JsonValuesFraming(), *pieces(body, size))
        assert caught.value.code == "upstream_event_too_large"
