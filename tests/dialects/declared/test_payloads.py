"""What the data of a frame is wrapped in."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dialects.declared.payloads import DECODES, reader


@pytest.mark.parametrize(
    ("decode", "data", "value"),
    [
        ("json", '{"a": 1}', {"a": 1}),
        ("json", " ", None),
        ("json_string", '"a\\n\\u4e16"', "a\n世"),
        ("json_string", '{"error": "x"}', {"error": "x"}),
        ("raw", " a ", " a "),
        ("base64", "SGVsbG8=", "Hello"),
        ("base64", "SGVsbG8", "Hello"),
        ("base64", "SGVs\nbG8=", "Hello"),
        ("base64", "_-7_", "\ufffd\ufffd\ufffd"),
        ("c_escaped", r"a\nb\t\"c\" \\n \u4e16\x41 \q \u12", 'a\nb\t"c" \\n 世A \\q \\u12'),
        ("c_escaped", "世", "世"),
        ("c_escaped", "tail\\", "tail\\"),
    ],
)
def test_reads(decode: str, data: str, value: Any) -> None:
    assert reader(decode)(data) == value


@pytest.mark.parametrize(
    ("decode", "data"), [("json", "{"), ("json", "data"), ("json_string", "5"), ("base64", "a"), ("base64", "é")]
)
def test_damaged_data_is_a_value_error(decode: str, data: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        reader(decode)(data)


@given(st.text(alphabet="aé世😀"), st.integers(1, 5))
def test_base64_joins_characters_that_were_cut_between_frames(text: str, size: int) -> None:
    read, raw = reader("base64"), text.encode()
    pieces = [raw[place : place + size] for place in range(0, len(raw), size)]
    assert "".join(read(base64.b64encode(piece).decode()) for piece in pieces) == text


def test_each_answer_has_a_reader_of_its_own() -> None:
    half = base64.b64encode("世".encode()[:1]).decode()
    assert reader("base64")(half) == ""
    assert reader("base64")("SGk=") == "Hi"


def test_the_names_are_those_that_the_documentation_gives() -> None:
    assert DECODES == ("json", "json_string", "raw", "base64", "c_escaped")
