"""The path language: what it finds, what it does not, and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dialects.declared.paths import WHOLE, compile_path, split_outside

CHUNK = {"choices": [{"index": 0, "delta": {"content": "Hel", "role": None, "note": ""}}, {"index": 1}], "0": "zero"}
PARTS = {
    "parts": [
        {"text": "why", "thought": True},
        {"text": "Hello", "thought": False},
        {"text": " you"},
        {"image": {"mime": "image/png"}},
    ]
}


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("choices.0.delta.content", CHUNK, ["Hel"]),
        ("$.choices.0.delta.content", CHUNK, ["Hel"]),
        ("choices.-1.index", CHUNK, [1]),
        ("choices.7.index", CHUNK, []),
        ("choices.*.index", CHUNK, [0, 1]),
        ("0", CHUNK, ["zero"]),
        ("choices.delta", CHUNK, []),
        ("choices.0.delta.role", CHUNK, []),
        ("choices.0.delta.note", CHUNK, []),
        ("choices.0.delta.*", CHUNK, ["Hel"]),
        ("$", "text", ["text"]),
        ("$", None, []),
        ("a.b", "text", []),
        ("a-b.c_d.@type", {"a-b": {"c_d": {"@type": "x"}}}, ["x"]),
        ("parts.*[thought!=true].text", PARTS, ["Hello", " you"]),
        ("parts.*[thought=true].text", PARTS, ["why"]),
        ("parts.*[thought=false|null].text", PARTS, ["Hello", " you"]),
        ("parts.*[thought].text", PARTS, ["why"]),
        ("parts.*.image[mime^=image/|video/].mime", PARTS, ["image/png"]),
        ("parts.*[image.mime=image/png].image.mime", PARTS, ["image/png"]),
        ("$[error]", {"error": "x", "code": 1}, [{"error": "x", "code": 1}]),
        ("$[error]", {"error": None}, []),
        ("$[code][code!=0].code", {"code": 0}, []),
        ("$[code][code!=0].code", {"code": "0"}, []),
        ("$[code][code!=0].code", {"code": 4100}, [4100]),
        ("$[success=false]", {"success": False}, [{"success": False}]),
        ("$[success=false]", {}, []),
        ("$[event=a.b.c].x", {"event": "a.b.c", "x": 1}, [1]),
        ("list.*[$=a|b]", {"list": ["a", "c", "b"]}, ["a", "b"]),
        ("[a=1].b", {"a": 1, "b": 2}, [2]),
        ("a | b", {"b": 1}, [1]),
        ("a|b", {"a": "", "b": 1}, [1]),
        ("a | b", {"a": False, "b": 1}, [False]),
        ("a[x=1|2].y | b", {"a": {"x": 2, "y": 3}, "b": 1}, [3]),
        ("a | b", {}, []),
    ],
)
def test_finds(path: str, value: Any, found: list[Any]) -> None:
    assert compile_path(path).find(value) == found


def test_first_is_the_first_or_nothing() -> None:
    assert compile_path("choices.*.index").first(CHUNK) == 0
    assert compile_path("nowhere").first(CHUNK) is None


def test_chosen_names_the_alternative_that_gave_something() -> None:
    path = compile_path("created | event | a.b")
    assert path.chosen({"event": "x", "a": {"b": 1}}) == ("event", "x")
    assert path.chosen({"a": {"b": True}}) == ("a.b", True)
    assert path.chosen({}) == ("", None)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "empty path"),
        ("a | ", "empty path"),
        ("a..b", "''"),
        ("a.$", "'$'"),
        ("a b", "'a b'"),
        ("a[b", "'a[b'"),
        ("a]b", "'a]b'"),
        ("a[]", "'a[]'"),
        ("a.[b]", "'[b]'"),
        ("a[=b]", "[=b] is no condition"),
        ("a[b c]", "[b c] is no condition"),
        ("a[b]c", "'a[b]c'"),
        ("**", "'**'"),
    ],
)
def test_says_what_is_wrong_with_a_path(path: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        compile_path(path)


@given(st.text(alphabet="ab.*$|[]=!^ 0-"), st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_any_text_is_a_path_or_is_refused_and_any_value_can_be_searched(text: str, value: Any) -> None:
    try:
        path = compile_path(text)
    except ValueError:
        return
    assert all(found is not None and found != "" for found in path.find(value))


def test_equal_paths_are_equal_values() -> None:
    assert compile_path("a[b=c].*") == compile_path("a[b=c].*")
    assert hash(compile_path("a")) == hash(compile_path("a"))
    assert compile_path("$") == WHOLE


def test_splits_only_outside_brackets() -> None:
    assert split_outside("a[b.c=d.e].f", ".") == ["a[b.c=d.e]", "f"]
