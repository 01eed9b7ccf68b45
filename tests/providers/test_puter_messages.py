"""Conversations, turn by turn, as they survive Puter's conversion."""

from typing import Any

import pytest

from core.chat.errors import InvalidRequest
from core.chat.requests import Json
from core.providers.puter.messages import encode_messages
from core.providers.puter.models import Dialect
from tests.support.puter import caller, calling, result

USER = {"role": "user", "content": "Hi"}
DOT = "data:image/png;base64,iVBORw0KGgo="


def turns_for(dialect: Dialect, *messages: Any) -> list[Json]:
    return encode_messages(caller(model="m", messages=list(messages)).messages, dialect)


@pytest.mark.parametrize(("dialect", "order"), [(Dialect.CHAT, ["c2", "c1"]), (Dialect.CLAUDE, ["c1", "c2"])])
def test_calls_are_in_the_order_from_which_the_vendor_gets_the_right_one(dialect: Dialect, order: list[str]) -> None:
    turns = turns_for(dialect, USER, calling("{}", "{}"), result("c1"), result("c2"))
    assert [block["id"] for block in turns[1]["content"]] == order
    assert turns[2:] == [result("c1"), result("c2")]


def test_the_responses_api_gets_each_call_in_a_turn_of_its_own() -> None:
    turns = turns_for(
        Dialect.RESPONSES, USER, calling('{"a":1}', "{}", content="Let me see."), result("c1"), result("c2")
    )
    assert turns[1:4] == [
        {"role": "assistant", "content": "Let me see."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {"a": 1}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c2", "name": "look", "input": {}}]},
    ]
    assert turns_for(Dialect.RESPONSES, USER, calling("{}"), result("c1"))[1]["content"][0]["id"] == "c1"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ('{"a": ', {"arguments": '{"a": '}),
        ("[1]", {"arguments": "[1]"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        ('{"a": 1e999}', {"arguments": '{"a": 1e999}'}),
        ("[" * 100_000, {"arguments": "[" * 100_000}),
    ],
)
def test_no_arguments_are_lost(arguments: str, wanted: Any) -> None:
    [block] = turns_for(Dialect.CLAUDE, USER, calling(arguments))[1]["content"]
    assert block["input"] == wanted


def test_arguments_beside_text_are_the_models_own_unless_they_are_no_object() -> None:
    turn = turns_for(Dialect.CHAT, USER, calling('{"a": 1}', "oops", content="So:"))[1]
    assert turn["content"] == "So:"
    assert [call["function"]["arguments"] for call in turn["tool_calls"]] == ['{"a": 1}', '{"arguments": "oops"}']


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}]])
def test_empty_text_is_no_text(content: Any) -> None:
    assert turns_for(Dialect.CHAT, USER, calling("{}", content=content))[1]["content"][0]["type"] == "tool_use"
    assert turns_for(Dialect.CHAT, USER, {"role": "user", "content": content}) == [USER]


def test_an_empty_result_is_a_result() -> None:
    assert turns_for(Dialect.CHAT, USER, calling("{}"), result("c1", ""))[2] == result("c1", "")


def test_results_in_parts_are_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert turns_for(Dialect.CHAT, USER, calling("{}"), result("c1", parts))[2] == result("c1", "ab")


def test_pictures_in_results_go_to_claude_and_to_nobody_else() -> None:
    turns = [USER, calling("{}"), result("c1", [{"type": "image_url", "image_url": {"url": DOT}}])]
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert turns_for(Dialect.CLAUDE, *turns)[2] == {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "image", "source": source}]}],
    }
    with pytest.raises(InvalidRequest) as raised:
        turns_for(Dialect.CHAT, *turns)
    assert raised.value.code == "unsupported_content"


def test_system_turns_come_first_for_claude() -> None:
    turns = [{"role": "system", "content": "A"}, USER, {"role": "developer", "content": "B"}, USER]
    assert [turn["content"] for turn in turns_for(Dialect.CLAUDE, *turns)] == ["A", "B", "Hi", "Hi"]
    assert [turn["content"] for turn in turns_for(Dialect.CHAT, *turns)] == ["A", "Hi", "B", "Hi"]


@pytest.mark.parametrize(
    ("dialect", "url", "wanted"),
    [
        (Dialect.CHAT, DOT, {"type": "image_url", "image_url": {"url": DOT, "detail": "low"}}),
        (Dialect.RESPONSES, DOT, {"type": "input_image", "image_url": DOT, "detail": "low"}),
        (
            Dialect.CLAUDE,
            DOT,
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        ),
        (
            Dialect.CLAUDE,
            "data:image/svg+xml;charset=utf-8,%3Csvg/%3E",
            {"type": "image", "source": {"type": "base64", "media_type": "image/svg+xml", "data": "PHN2Zy8+"}},
        ),
    ],
)
def test_pictures_are_in_the_vendors_form(dialect: Dialect, url: str, wanted: Any) -> None:
    parts = [{"type": "text", "text": "See:"}, {"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    [turn] = turns_for(dialect, {"role": "user", "content": parts})
    assert turn == {"role": "user", "content": [{"type": "text", "text": "See:"}, wanted]}


def test_claude_takes_no_url() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(InvalidRequest, match="only as data URLs"):
        turns_for(Dialect.CLAUDE, {"role": "user", "content": [part]})


def test_claudes_cache_marks_are_kept_and_others_spared_them() -> None:
    part = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    turn = {"role": "user", "content": [part]}
    assert turns_for(Dialect.CLAUDE, turn) == [turn]
    assert turns_for(Dialect.CHAT, turn) == [{"role": "user", "content": [{"type": "text", "text": "long"}]}]
