"""Templates: what stands where, and what goes when there is nothing to stand there."""

from __future__ import annotations

from typing import Any

import pytest

from core.dialects.declared.template import Placeholder, as_text, compile_template

VALUES: dict[str, Any] = {
    "model": "m",
    "message": 'say "hi" {model}',
    "messages": [{"role": "user"}],
    "max_tokens": 5,
    "parameters.temperature": 0,
    "parameters.top_p": None,
    "variables.Bot-1": "b",
    "parameters.flag": True,
}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{model}", "m"),
        ("{messages}", [{"role": "user"}]),
        ("{max_tokens}", 5),
        ("{parameters.temperature}", 0),
        ("{nothing}", None),
        ("{nothing | model}", "m"),
        ("{parameters.top_p|nothing | max_tokens}", 5),
        ("{variables.Bot-1}", "b"),
        ("a {model}, {max_tokens} and {parameters.flag}", "a m, 5 and true"),
        ("all: {messages}", 'all: [{"role": "user"}]'),
        ("Bearer {nothing}", None),
        ("{nothing}-{model}", "-m"),
        ("plain", "plain"),
        ("", ""),
        ("query { id } {{model}} {Model} {}", "query { id } {m} {Model} {}"),
        (5, 5),
        (False, False),
        ({"a": "{nothing}", "b": "{model}"}, {"b": "m"}),
        ({"a": {"b": {"c": "{nothing}"}}}, None),
        ({"a": {"b": {"c": "{nothing}"}}, "d": {}, "e": []}, {"d": {}, "e": []}),
        (["{nothing}", "{model}"], ["m"]),
        (["{nothing}"], None),
        ([{"text": "{nothing}"}], None),
    ],
)
def test_fills(template: Any, filled: Any) -> None:
    assert compile_template(template).fill(VALUES.get) == filled


def test_what_a_value_holds_is_not_filled_again() -> None:
    assert compile_template({"q": "{message}"}).fill(VALUES.get) == {"q": 'say "hi" {model}'}


def test_a_secret_is_a_placeholder_and_only_as_a_whole() -> None:
    assert compile_template("secret://KEY") == Placeholder(("secret://KEY",))
    assert compile_template({"a": "secret://KEY"}).fill(lambda name: f"<{name}>") == {"a": "<secret://KEY>"}
    assert compile_template("x secret://KEY").fill(VALUES.get) == "x secret://KEY"


def test_names_are_all_placeholders_however_deep() -> None:
    template = compile_template({"a": ["{model}", {"b": "x {last | message} {token}"}], "c": "secret://KEY", "d": 5})
    assert list(template.names()) == [("model",), ("last", "message"), ("token",), ("secret://KEY",)]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (None, ""), (True, "true"), (1.5, "1.5"), ({"世": [1]}, '{"世": [1]}')]
)
def test_values_within_text(value: Any, text: str) -> None:
    assert as_text(value) == text
