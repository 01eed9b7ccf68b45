"""OpenAI's messages and tools, and every way to get them wrong."""

from __future__ import annotations

from typing import Any

import pytest

from core.api.shared.messages import narrow, parse_messages, parse_tool_choice, parse_tools
from core.chat.errors import InvalidRequest
from core.chat.requests import BuiltinTool, FunctionTool, Image, Message, NamedTool, OtherPart, Text, ToolCall

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
CALLING: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [CALL]}
F = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
G = {"type": "function", "function": {"name": "g", "strict": True}}
SEARCH = {"type": "web_search", "depth": 3}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ({"role": "user", "content": "hi"}, Message("user", "hi")),
        ({"role": "user", "content": ""}, Message("user", "")),
        ({"role": "system", "content": "s"}, Message("system", "s")),
        ({"role": "developer", "content": "s"}, Message("system", "s")),
        ({"role": "user", "content": "hi", "name": "ann", "x": None}, Message("user", "hi", extra={"name": "ann"})),
        ({"role": "assistant", "content": "a", "refusal": None, "tool_calls": None}, Message("assistant", "a")),
        ({"role": "assistant", "refusal": "no"}, Message("assistant", "no")),
        (CALLING, Message("assistant", None, (ToolCall("c1", "f", '{"x": 1}'),))),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            Message("assistant", None, (ToolCall("c", "f", ""),)),
        ),
        (user({"type": "text", "text": "t"}), Message("user", (Text("t"),))),
        (
            user({"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}}),
            Message("user", (Text("t", {"cache_control": {"type": "ephemeral"}}),)),
        ),
        (
            user({"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}),
            Message("user", (Image("https://x/y.png", "low"),)),
        ),
        (
            user({"type": "image_url", "image_url": "data:image/png;base64,A"}),
            Message("user", (Image("data:image/png;base64,A"),)),
        ),
        (
            user({"type": "input_audio", "input_audio": {"data": "A"}}),
            Message("user", (OtherPart("input_audio", {"type": "input_audio", "input_audio": {"data": "A"}}),)),
        ),
    ],
)
def test_a_message_is_understood(given: dict[str, Any], parsed: Message) -> None:
    assert parse_messages([given]) == (parsed,)


@pytest.mark.parametrize("role", ["tool", "function"])
def test_a_result_follows_its_call(role: str) -> None:
    result = {"role": role, "tool_call_id": "c1", "content": "1"}

    assert parse_messages([CALLING, result])[1] == Message("tool", "1", tool_call_id="c1")


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        ("hi", "messages"),
        ({"role": "user"}, "messages"),
        ([None], "messages[0]"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "robot", "content": "x"}], "messages[0].role"),
        ([{"role": 7, "content": "x"}], "messages[0].role"),
        ([{"role": ["user"], "content": "x"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": None}], "messages[0].content"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], "messages[0].content"),
        ([{"role": "assistant", "content": None, "refusal": 7}], "messages[0].refusal"),
        ([{"role": "user", "content": {"text": "x"}}], "messages[0].content"),
        ([user("x")], "messages[0].content[0]"),
        ([user({"text": "x"})], "messages[0].content[0].type"),
        ([user({"type": "text"})], "messages[0].content[0].text"),
        ([user({"type": "text", "text": "a"}, {"type": "image_url"})], "messages[0].content[1].image_url"),
        ([user({"type": "image_url", "image_url": {}})], "messages[0].content[0].image_url.url"),
        ([user({"type": "image_url", "image_url": {"url": "ftp://x"}})], "messages[0].content[0].image_url.url"),
        ([user({"type": "image_url", "image_url": "data:text/html,x"})], "messages[0].content[0].image_url.url"),
        ([{**CALLING, "tool_calls": {}}], "messages[0].tool_calls"),
        ([{**CALLING, "tool_calls": [1]}], "messages[0].tool_calls[0]"),
        ([{**CALLING, "tool_calls": [{**CALL, "id": None}]}], "messages[0].tool_calls[0].id"),
        ([{**CALLING, "tool_calls": [{**CALL, "function": {}}]}], "messages[0].tool_calls[0].function.name"),
        (
            [{**CALLING, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {}}}]}],
            "messages[0].tool_calls[0].function.arguments",
        ),
        ([CALLING, {"role": "tool", "content": "1"}], "messages[1].tool_call_id"),
        ([CALLING, {"role": "tool", "content": "1", "tool_call_id": "c2"}], "messages[1].tool_call_id"),
        ([{"role": "tool", "content": "1", "tool_call_id": "c1"}, CALLING], "messages[0].tool_call_id"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(messages: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_messages(messages)

    assert (refused.value.status, refused.value.param) == (400, param)
    assert f"`{param}`" in refused.value.message


@pytest.mark.parametrize(("count", "fits"), [(2048, True), (2049, False)])
def test_a_conversation_has_a_limit(count: int, fits: bool) -> None:
    messages = [{"role": "user", "content": "x"}] * count
    if fits:
        assert len(parse_messages(messages)) == count
        return
    with pytest.raises(InvalidRequest, match="at most 2048 entries, not 2049"):
        parse_messages(messages)


def test_tools_are_functions_or_what_the_upstream_has() -> None:
    assert parse_tools([F, G, SEARCH]) == (
        FunctionTool("f", "d", {"type": "object"}),
        FunctionTool("g", strict=True),
        BuiltinTool(SEARCH),
    )


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([1], "tools[0]"),
        ([F, {}], "tools[1].type"),
        ([{"type": "function"}], "tools[0].function"),
        ([{"type": "function", "function": {}}], "tools[0].function.name"),
        ([{"type": "function", "function": {"name": "f", "parameters": "{}"}}], "tools[0].function.parameters"),
        ([{"type": "function", "function": {"name": "f", "strict": "yes"}}], "tools[0].function.strict"),
        ([F] * 129, "tools"),
    ],
)
def test_a_wrong_tool_is_named_by_its_path(tools: list[Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_tools(tools)

    assert refused.value.param == param


@pytest.mark.parametrize(
    ("choice", "parsed"),
    [
        (None, None),
        ("none", "none"),
        ("auto", "auto"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "f"}}, NamedTool("f")),
    ],
)
def test_a_choice_of_tools(choice: Any, parsed: Any) -> None:
    assert parse_tool_choice(choice) == parsed


@pytest.mark.parametrize("choice", ["always", 1, [], {"type": "function"}, {"type": "function", "function": {}}])
def test_a_wrong_choice_of_tools_is_named(choice: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_tool_choice(choice)

    assert (refused.value.param or "").startswith("tool_choice")


@pytest.mark.parametrize(
    ("allowed", "left"),
    [([F], (0,)), ([G, SEARCH], (1, 2)), ([{"type": "web_search"}], (2,)), ([], ())],
)
def test_allowed_tools_leave_only_those(allowed: list[Any], left: tuple[int, ...]) -> None:
    tools = parse_tools([F, G, SEARCH])
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": allowed}}

    assert narrow(tools, choice) == (tuple(tools[index] for index in left), "auto")


def test_any_other_choice_leaves_all_tools() -> None:
    tools = parse_tools([F])

    for choice in (None, "required", {"type": "function", "function": {"name": "f"}}):
        assert narrow(tools, choice) == (tools, choice)
