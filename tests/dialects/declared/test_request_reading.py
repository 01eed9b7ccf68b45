"""A request's description that is wrong, or would lose something, says where and why."""

from __future__ import annotations

from typing import Any

import pytest

from core.chat.errors import ConfigError
from core.chat.options import Options
from core.dialects.declared.request_reading import read_http, read_request

GOOD: dict[str, Any] = {"url": "https://upstream.example/chat", "body": {"q": "{messages}"}}
STEP = {"url": "https://upstream.example/new", "capture": {"id": "id"}}


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"url": ""}, "url", "is missing"),
        ({"url": "upstream.example"}, "url", "must begin with http:// or https://"),
        ({"url": "https://x/{modle}"}, "url", "there is no placeholder {modle}; there are model, message, last"),
        ({"method": "DELETE"}, "method", "must be one of POST, GET"),
        ({"headers": {"X": 5}}, "headers.X", "must be a string"),
        ({"headers": {"X": "{tokne}"}}, "headers.X", "there is no placeholder {tokne}"),
        ({"body": "text"}, "body", "must be a table or a list"),
        ({"body": {"q": "{messages}", "a": [{"b": "{nope}"}]}}, "body.a.0.b", "there is no placeholder {nope}"),
        ({"body": {"q": "{messages}", "a": "{model | nope}"}}, "body.a", "there is no placeholder {nope}"),
        ({"body": {"q": "{messages}", "a": "{variables}"}}, "body.a", "there is no placeholder {variables}"),
        ({"body": {"q": "{messages}", "a": "{variables.bot}"}}, "body.a", "{variables.bot} has no value"),
        ({"body": {"q": "{messages}", "a": "{captured.id}"}}, "body.a", "no step before captures id"),
        ({"body": {"q": "{model}"}}, "body", "carries nothing of the conversation"),
        ({"form": "telegram"}, "form", "must be one of openai, "),
        ({"history": "none"}, "history", "must be one of full, folded, last"),
        ({"system": "drop"}, "system", "must be one of message, field, first_user"),
        ({"system": "field"}, "system", "the system prompt would be lost"),
        ({"form": "gemini", "system": "message"}, "system", "this form has no system messages"),
        ({"images": "yes"}, "images", "must be one of none, parts, field"),
        ({"images": "field"}, "images", "{images} stands nowhere"),
        ({"images": "parts", "body": {"q": "{message}"}}, "images", "{messages} stands nowhere"),
        ({"form": "coze", "body": {"q": "{messages}", "t": "{tools}"}}, "body", "this form has no tools"),
        ({"variables": {"a": [1]}}, "variables.a", "must be a string, a number, true or false"),
        ({"steps": [{"capture": {}}]}, "steps.0.url", "is missing"),
        ({"steps": {**STEP, "body": {"a": "{captured.id}"}}}, "steps.body.a", "no step before captures id"),
        ({"steps": [{**STEP, "capture": {"id": "a["}}]}, "steps.0.capture.id", "no part of a path"),
        ({"steps": [{**STEP, "form": "openai"}]}, "steps.0.form", "is not a setting"),
        ({"model": "m"}, "model", "is not a setting"),
    ],
)
def test_a_mistake_is_named_with_its_path(changes: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_request(Options("providers.x.request", {**GOOD, **changes}))
    assert caught.value.path == f"providers.x.request.{path}"
    assert said in caught.value.message


def test_forms_without_system_messages_put_the_prompt_before_the_first_turn() -> None:
    assert read_request(Options("request", {**GOOD, "form": "coze"})).system == "first_user"
    assert read_request(Options("request", GOOD)).system == "message"


def test_the_conversation_may_travel_in_a_step() -> None:
    step = {**STEP, "body": {"messages": "{messages}"}}
    request = read_request(Options("request", {**GOOD, "body": {"id": "{captured.id}"}, "steps": [step]}))
    assert {"messages", "captured.id"} <= request.names


def test_later_steps_know_what_earlier_ones_captured() -> None:
    second = {"url": "https://upstream.example/{captured.id}", "capture": {"other": "x"}}
    request = read_request(Options("request", {**GOOD, "steps": [STEP, second]}))
    assert [sorted(step.capture) for step in request.steps] == [["id"], ["other"]]


def test_a_variable_may_be_missing_where_there_is_an_alternative() -> None:
    body = {"q": "{messages}", "bot": "{variables.bot | model}"}
    assert "variables.bot" in read_request(Options("request", {**GOOD, "body": body})).names


@pytest.mark.parametrize(("has_body", "method"), [(True, "POST"), (False, "GET")])
def test_the_method_follows_from_the_body(has_body: bool, method: str) -> None:
    table = {"url": "https://upstream.example/{last}", **({"body": {}} if has_body else {})}
    assert read_request(Options("request", table)).chat.method == method


def test_a_request_outside_a_conversation_has_none_of_its_values() -> None:
    table = {"url": "https://upstream.example/models", "headers": {"Authorization": "Bearer {token}"}}
    assert read_http(Options("models_request", table)).names == {"token"}
    with pytest.raises(ConfigError, match=r"models_request: \{model\} has no meaning here"):
        read_http(Options("models_request", {**table, "url": "https://upstream.example/{model}"}))
