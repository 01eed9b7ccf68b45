"""Whole chat completions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.gateways import Connected, question
from tests.conformance.kinds import everywhere, with_pictures, with_usage
from tests.conformance.samples import EVERY_PARAMETER, PIXEL, TIME, TOOLS, UNICODE, WEATHER
from tests.conformance.schema import check, properties
from tests.conformance.sse import chunks
from tests.support.chat_upstream import ChatUpstream
from tests.support.models import CALLS, REFUSAL, THOUGHT
from tests.support.openai_upstream import OpenAIUpstream


@everywhere
def test_a_completion_is_one_by_schema(gateway: Connected) -> None:
    """Items 28 and 30."""
    answer = gateway.chat("echo", "one two three")

    assert answer.headers["content-type"] == "application/json"
    completion = answer.json()
    check(completion, "CreateChatCompletionResponse")
    assert 1_700_000_000 < completion["created"] < 10_000_000_000
    assert {key: completion[key] for key in ("object", "model", "choices")} == {
        "object": "chat.completion",
        "model": "echo",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "one two three", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
    }
    usage = completion["usage"]
    assert min(usage["prompt_tokens"], usage["completion_tokens"]) >= 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@with_usage
def test_usage_is_what_the_upstream_says(gateway: Connected) -> None:
    """Item 30."""
    answer = gateway.chat("echo", "one two three")

    assert answer.json()["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
    assert "x-usage-estimated" not in answer.headers


@pytest.mark.kinds("gptanon", "flowgpt")
def test_usage_is_estimated_where_no_upstream_of_the_kind_gives_any(gateway: Connected) -> None:
    """Item 30."""
    assert gateway.chat("echo").headers["x-usage-estimated"] == "true"


@everywhere
def test_two_completions_have_different_ids(gateway: Connected) -> None:
    """Item 29."""
    ids = {gateway.chat("echo").json()["id"] for _ in range(2)}

    assert len(ids) == 2
    assert all(identity.startswith("chatcmpl-") for identity in ids)


def test_usage_is_estimated_and_marked_where_the_upstream_gives_none(gateway: Connected) -> None:
    """Item 30."""
    answer = gateway.chat("no-usage")

    usage = answer.json()["usage"]
    assert min(usage.values()) >= 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert answer.headers["x-usage-estimated"] == "true"


SCHEMA = WEATHER["function"]["parameters"]
HISTORY = [
    {"role": "system", "content": "be brief"},
    {"role": "developer", "content": "be kind"},
    {"role": "user", "content": "first"},
    {"role": "assistant", "content": "second"},
    {"role": "user", "content": "third", "name": "ann"},
]


def test_instructions_and_the_whole_history_reach_the_upstream(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Items 31 and 32."""
    assert gateway.chat("echo", messages=HISTORY).json()["choices"][0]["message"]["content"] == "third"
    assert upstream.bodies[0]["messages"] == [HISTORY[0], {"role": "system", "content": "be kind"}, *HISTORY[2:]]


@everywhere
def test_nothing_of_a_conversation_is_lost_on_its_way_to_any_upstream(
    gateway: Connected, upstream: ChatUpstream
) -> None:
    """Items 31 and 32."""
    assert gateway.chat("echo", messages=HISTORY).json()["choices"][0]["message"]["content"] == "third"
    heard = " ".join(said.text for said in upstream.turns[0].conversation)
    assert heard.split() == ["be", "brief", "be", "kind", "first", "second", "third"]


def test_parameters_reach_the_upstream(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Item 33."""
    parameters = {
        "temperature": 0,
        "stop": ["a", "b"],
        "max_completion_tokens": 7,
        "response_format": {"type": "json_object"},
        "seed": 7,
    }

    gateway.chat("echo", **parameters)

    assert {name: upstream.bodies[0][name] for name in parameters} == parameters


def test_every_parameter_there_is_is_accepted(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Item 35."""
    assert properties("CreateChatCompletionRequest") - {"messages", "model"} == set(EVERY_PARAMETER)

    answer = gateway.chat("echo", "hello", **EVERY_PARAMETER)

    assert answer.status_code == 200
    check(answer.json(), "CreateChatCompletionResponse")
    assert answer.headers["x-ignored-params"] == "logprobs"
    kept = {name: value for name, value in EVERY_PARAMETER.items() if value is not None and name not in {"n", "stream"}}
    assert {name: upstream.bodies[0].get(name) for name in kept} == kept


@everywhere
def test_every_parameter_there_is_keeps_no_upstream_from_answering(gateway: Connected) -> None:
    """Item 35. Only log probabilities cannot be had of a service that gives none, nor be left out in silence."""
    answer = gateway.chat("echo", "hello", **{**EVERY_PARAMETER, "logprobs": False, "top_logprobs": None})

    assert answer.json()["choices"][0]["message"]["content"] == "hello"
    check(answer.json(), "CreateChatCompletionResponse")


@everywhere
def test_text_parts_are_one_text(gateway: Connected) -> None:
    """Item 36."""
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "text"}]
    answer = gateway.chat("echo", messages=[{"role": "user", "content": parts}])

    assert answer.json()["choices"][0]["message"]["content"] == "one text"


@everywhere
def test_unicode_comes_back_unchanged(gateway: Connected) -> None:
    """Item 37."""
    assert gateway.chat("echo", UNICODE).json()["choices"][0]["message"]["content"] == UNICODE


@everywhere
@pytest.mark.parametrize("stop", ["END", ["never", "END"]])
def test_the_answer_ends_before_a_stop_sequence(gateway: Connected, stop: str | list[str]) -> None:
    """Item 38."""
    (choice,) = gateway.chat("echo", "one two END three", stop=stop).json()["choices"]

    assert (choice["message"]["content"], choice["finish_reason"]) == ("one two ", "stop")


@everywhere
@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_token_limit_cuts_the_answer(gateway: Connected, limit: str) -> None:
    """Item 39."""
    (choice,) = gateway.chat("echo", "one two three four", **{limit: 2}).json()["choices"]

    assert (choice["message"]["content"], choice["finish_reason"]) == ("one two ", "length")


@everywhere
def test_several_choices_are_asked_for_side_by_side(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Item 40."""
    completion = gateway.chat("echo", "one two", n=3).json()

    check(completion, "CreateChatCompletionResponse")
    assert [(choice["index"], choice["message"]["content"]) for choice in completion["choices"]] == [
        (0, "one two"),
        (1, "one two"),
        (2, "one two"),
    ]
    assert len(upstream.asked) == 3
    assert all("n" not in body for body in upstream.bodies)


@with_usage
def test_usage_of_several_choices_is_the_sum(gateway: Connected) -> None:
    """Item 40: each was paid for."""
    usage = gateway.chat("echo", "one two", n=3).json()["usage"]

    assert usage == {"prompt_tokens": 6, "completion_tokens": 6, "total_tokens": 12}


def test_more_than_eight_choices_are_refused(gateway: Connected, upstream: OpenAIUpstream) -> None:
    answer = gateway.chat("echo", n=9)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "n")
    assert upstream.asked == []


@pytest.mark.kinds("openai", "puter")
def test_a_refusal_has_its_own_place(gateway: Connected) -> None:
    """Item 41."""
    completion = gateway.chat("refusal").json()

    check(completion, "CreateChatCompletionResponse")
    message = completion["choices"][0]["message"]
    assert (message["refusal"], message["content"]) == (REFUSAL, None)


@everywhere
def test_reasoning_is_not_part_of_the_content(gateway: Connected) -> None:
    """Item 42."""
    message = gateway.chat("reasoning", "the answer").json()["choices"][0]["message"]

    assert (message["content"], message["reasoning_content"]) == ("the answer", THOUGHT)


def test_a_picture_reaches_the_model(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Item 43."""
    parts: list[Any] = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
    ]
    gateway.chat("echo", messages=[{"role": "user", "content": parts}])

    assert upstream.bodies[0]["messages"][0]["content"] == parts


@with_pictures
def test_a_picture_reaches_any_model_that_takes_some(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 43."""
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    answer = gateway.chat("echo", messages=[{"role": "user", "content": parts}])

    assert answer.json()["choices"][0]["message"]["content"] == "what is it?"
    assert upstream.turns[0].pictures == [PIXEL]


@everywhere
@pytest.mark.parametrize(("model", "count"), [("tools", 1), ("parallel-tools", 2)])
def test_tool_calls_are_whole_and_distinct(gateway: Connected, model: str, count: int) -> None:
    """Items 44 and 45."""
    completion = gateway.chat(model, tools=TOOLS).json()

    check(completion, "CreateChatCompletionResponse")
    (choice,) = completion["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")
    calls = choice["message"]["tool_calls"]
    assert [(call["type"], call["function"]["name"]) for call in calls] == [
        ("function", "get_weather"),
        ("function", "get_time"),
    ][:count]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == list(CALLS[:count])
    assert len({call["id"] for call in calls} - {""}) == count


@everywhere
@pytest.mark.parametrize("content", [None, "", "Let me see."])
def test_a_round_of_tools(gateway: Connected, upstream: ChatUpstream, content: str | None) -> None:
    """Items 44 and 46: what was called for comes back to the model as the result of its call."""
    asked = [{"role": "user", "content": "weather?"}]
    called = gateway.chat("tools", messages=asked, tools=[WEATHER]).json()["choices"][0]["message"]
    call_id = called["tool_calls"][0]["id"]
    history = [*asked, {**called, "content": content}, {"role": "tool", "tool_call_id": call_id, "content": "sunny"}]

    answer = gateway.chat("tools", messages=history, tools=[WEATHER]).json()["choices"][0]

    assert (answer["message"]["content"], answer["finish_reason"]) == ("sunny", "stop")
    assert upstream.turns[1].has_result
    assert (content or "") in " ".join(said.text for said in upstream.turns[1].conversation)


@pytest.mark.parametrize("content", [None, "", "Let me see."])
def test_calls_and_their_results_go_back_to_the_model(
    gateway: Connected, upstream: OpenAIUpstream, content: str | None
) -> None:
    """Item 46."""
    call = {"id": "call_7", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    history = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": content, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_7", "content": "sunny"},
    ]

    answer = gateway.chat("tools", messages=history, tools=[WEATHER])

    assert answer.json()["choices"][0]["message"]["content"] == "sunny"
    assert upstream.bodies[0]["messages"] == history


def test_calls_in_the_words_of_before_there_were_tools_are_calls_of_tools(
    gateway: Connected, upstream: OpenAIUpstream
) -> None:
    """Item 46, from clients that never heard of tools."""
    history = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": "{}"}},
        {"role": "function", "name": "get_weather", "content": "sunny"},
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
        },
        {"role": "function", "name": "get_weather", "content": None},
        {"role": "user", "content": "thanks"},
    ]

    assert gateway.chat("echo", messages=history).json()["choices"][0]["message"]["content"] == "thanks"
    _, first, sunny, second, nothing, _ = upstream.bodies[0]["messages"]
    for called, result, said in ((first, sunny, "sunny"), (second, nothing, "")):
        [call] = called["tool_calls"]
        assert call["function"]["name"] == "get_weather"
        assert result == {"role": "tool", "tool_call_id": call["id"], "content": said}
    assert second["tool_calls"][0]["function"]["arguments"] == '{"city":"Oslo"}'


PATCH = {
    "type": "custom",
    "custom": {
        "name": "apply_patch",
        "description": "Edits files.",
        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "x"'}},
    },
}


def test_a_custom_tool_is_a_function_upstream(gateway: Connected, upstream: OpenAIUpstream) -> None:
    call = {"id": "a", "type": "custom", "custom": {"name": "apply_patch", "input": '*** "Åbo"'}}
    history = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "Done"},
    ]
    choice = {"type": "custom", "custom": {"name": "apply_patch"}}

    gateway.chat("echo", messages=history, tools=[PATCH, WEATHER], tool_choice=choice)

    asked = upstream.bodies[0]
    function = asked["tools"][0]["function"]
    assert (function["name"], function["parameters"]["required"]) == ("apply_patch", ["input"])
    assert function["description"] == 'Edits files.\n`input` must match this lark grammar:\nstart: "x"'
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "apply_patch"}}
    [called] = asked["messages"][1]["tool_calls"]
    assert json.loads(called["function"]["arguments"]) == {"input": '*** "Åbo"'}


def test_a_custom_tool_is_called_with_plain_text(gateway: Connected, upstream: OpenAIUpstream) -> None:
    tools = [PATCH, WEATHER]
    completion = gateway.chat("parallel-tools", tools=tools).json()
    found = chunks(gateway.chat("parallel-tools", tools=tools, stream=True).content, by_schema=False)

    check(completion, "CreateChatCompletionResponse")
    custom, function = completion["choices"][0]["message"]["tool_calls"]
    said = json.dumps(CALLS[0], ensure_ascii=False)  # the upstream calls every tool with a city
    assert custom == {"id": "call_0", "type": "custom", "custom": {"name": "apply_patch", "input": said}}
    assert function["type"] == "function"
    fragments = [call for chunk in found for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    head, *rest = [call for call in fragments if call["index"] == 0]
    assert head == {"index": 0, "id": "call_0", "type": "custom", "custom": {"name": "apply_patch", "input": ""}}
    assert rest == [{"index": 0, "custom": {"input": said}}]


EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
FOR_CLAUDE: dict[str, Any] = {
    "system": [{"type": "text", "text": "be brief", **EPHEMERAL}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "weather?", **EPHEMERAL}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "I should look.", "signature": "EqQB"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Åbo"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [
                        {"type": "text", "text": "sunny"},
                        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
                    ],
                },
                {"type": "text", "text": "and now?"},
            ],
        },
    ],
    "tools": [{"name": "get_weather", "input_schema": WEATHER["function"]["parameters"]}],
}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "tool", "name": "get_weather"}, {"type": "function", "function": {"name": "get_weather"}}),
    ],
)
def test_anthropics_words_are_understood_in_a_chat(
    gateway: Connected, upstream: OpenAIUpstream, choice: Any, told: Any
) -> None:
    """Cursor sends them for a model whose name begins with claude-, and reads the answer to a chat."""
    answer = gateway.http.post("/v1/chat/completions", json={"model": "tools", **FOR_CLAUDE, "tool_choice": choice})

    check(answer.json(), "CreateChatCompletionResponse")
    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
    asked = upstream.bodies[0]
    system, user, assistant, result, last = asked["messages"]
    assert (system["role"], system["content"][0]["text"]) == ("system", "be brief")
    assert user["content"][0]["text"] == "weather?"
    assert [part["text"] for part in assistant["content"]] == ["I look."]
    assert assistant["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city": "Åbo"}'}
    assert result == {"role": "tool", "tool_call_id": "toolu_1", "content": [{"type": "text", "text": "sunny"}]}
    assert [part["type"] for part in last["content"]] == ["image_url", "text"]
    assert asked["tools"] == [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    assert asked["tool_choice"] == told


@everywhere
def test_tool_choice_none_gets_words(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Item 47."""
    (choice,) = gateway.chat("tools", "hello", tools=TOOLS, tool_choice="none").json()["choices"]

    assert (choice["message"]["content"], choice["finish_reason"]) == ("hello", "stop")
    assert upstream.turns[0].tools == []


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "get_time"}}])
def test_tool_choice_reaches_the_upstream(gateway: Connected, upstream: OpenAIUpstream, choice: Any) -> None:
    gateway.chat("tools", tools=TOOLS, tool_choice=choice)

    assert upstream.bodies[0]["tool_choice"] == choice


def test_tool_choice_may_allow_some_tools_only(gateway: Connected, upstream: OpenAIUpstream) -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]}

    gateway.chat("tools", tools=TOOLS, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})

    assert (upstream.bodies[0]["tools"], upstream.bodies[0]["tool_choice"]) == ([TIME], "required")


@everywhere
def test_nulls_and_what_nobody_knows_keep_no_upstream_from_answering(gateway: Connected) -> None:
    """Items 26 and 27."""
    answer = gateway.chat("echo", **dict.fromkeys(EVERY_PARAMETER), vendor_extra={"deep": [1]})

    assert answer.json()["choices"][0]["message"]["content"] == "hello"


def test_null_counts_as_absent_and_what_nobody_knows_goes_along(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Items 26 and 27."""
    nulls = dict.fromkeys(EVERY_PARAMETER)

    answer = gateway.http.post("/v1/chat/completions", json=question("echo", **nulls, vendor_extra={"deep": [1]}))

    assert answer.status_code == 200
    assert upstream.bodies[0] == question(
        "echo", stream=True, stream_options={"include_usage": True}, vendor_extra={"deep": [1]}
    )
