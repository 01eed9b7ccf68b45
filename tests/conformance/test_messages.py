"""Anthropic's Messages, as they go over the wire."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from tests.conformance.gateways import Connected, connected
from tests.conformance.kinds import everywhere, with_an_end, with_pictures
from tests.conformance.named_sse import kinds, named_events
from tests.conformance.samples import PIXEL, UNICODE, WEATHER
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY
from tests.support.models import CALLS, REFUSAL, THOUGHT

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
SCHEMA = WEATHER["function"]["parameters"]
TOOLS = [{"name": name, "description": "d", "input_schema": SCHEMA} for name in ("get_weather", "get_time")]
EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
BASE64 = {"type": "base64", "media_type": "image/png", "data": PIXEL.partition(",")[2]}

CLAUDE_CODE: dict[str, Any] = {
    "max_tokens": 32000,
    "stream": True,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude.", **EPHEMERAL},
        {"type": "text", "text": "Be brief.", **EPHEMERAL},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<system-reminder>Today is a day.</system-reminder>"},
                {"type": "text", "text": "What is the weather?"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "I should look.", "signature": "EqQB"},
                {"type": "redacted_thinking", "data": "EmwK"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Åbo"}},
                {"type": "tool_use", "id": "toolu_2", "name": "get_time", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"},
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "content": [{"type": "text", "text": "no clock"}],
                    "is_error": True,
                },
                {"type": "text", "text": "and now?", **EPHEMERAL},
            ],
        },
    ],
    "tools": [{**tool, "eager_input_streaming": True} for tool in TOOLS],
    "tool_choice": {"type": "auto"},
    "metadata": {"user_id": "user_0_account__session_1"},
    "thinking": {"type": "adaptive"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "medium"},
    "temperature": 1,
}


def post(gateway: Connected, model: str = "echo", prompt: Any = "hello", **body: Any) -> httpx.Response:
    messages = [{"role": "user", "content": prompt}]
    return gateway.http.post("/v1/messages", json={"model": model, "max_tokens": 500, "messages": messages, **body})


def streamed(gateway: Connected, model: str = "echo", prompt: Any = "hello", **body: Any) -> list[dict[str, Any]]:
    """The events of an answer, each as Anthropic's client knows it."""
    events = named_events(post(gateway, model, prompt, stream=True, **body).text)
    for event in events:
        if event["type"] not in {"ping", "error"}:
            EVENT.validate_python(event)
    return events


def blocks(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the blocks add up to. Fails unless they follow one another, each opened, filled and closed."""
    found: list[dict[str, Any]] = []
    is_open = False
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                assert event["index"] == len(found)
                is_open = True
                found.append({**event["content_block"], "partial_json": ""})
            case "content_block_delta":
                assert is_open
                assert event["index"] == len(found) - 1
                [key] = event["delta"].keys() - {"type"}
                found[-1][key] += event["delta"][key]
            case "content_block_stop":
                assert is_open
                is_open = False
    assert not is_open
    return found


def error_of(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"type", "error"}
    assert body["type"] == "error"
    assert set(body["error"]) == {"type", "message"}
    assert body["error"]["message"]
    assert answer.headers["request-id"]
    return answer.status_code, body["error"]["type"]


@everywhere
def test_a_whole_message(gateway: Connected) -> None:
    """Item 100."""
    answer = post(gateway, prompt=UNICODE)

    message = Message.model_validate(answer.json())
    assert answer.json()["content"] == [{"type": "text", "text": UNICODE}]
    assert (message.type, message.role, message.model) == ("message", "assistant", "echo")
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert message.id.startswith("msg_")
    assert min(message.usage.input_tokens, message.usage.output_tokens) >= 1
    assert (message.usage.cache_read_input_tokens, message.usage.cache_creation_input_tokens) == (0, 0)


@everywhere
def test_the_golden_stream(gateway: Connected) -> None:
    """Items 103, 108 and 114."""
    events = streamed(gateway, prompt=UNICODE)

    assert kinds(events) == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    [block] = blocks(events)
    assert (block["type"], block["text"]) == ("text", UNICODE)
    start, end = events[0]["message"], events[-2]
    assert (start["content"], start["stop_reason"], start["model"]) == ([], None, "echo")
    assert start["usage"]["input_tokens"] >= 1
    assert end["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert end["usage"]["output_tokens"] >= 1


@pytest.mark.parametrize("stream", [False, True])
def test_what_claude_code_sends_reaches_the_model(gateway: Connected, upstream: ChatUpstream, stream: bool) -> None:
    """Items 101, 102 and 104, in the order that chat services want."""
    headers = {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "claude-code-20250219,context-management-2025-06-27",
    }
    body = {"model": "echo", **CLAUDE_CODE, "stream": stream}

    answer = gateway.http.post("/v1/messages?beta=true", json=body, headers=headers)

    assert answer.status_code == 200
    assert "now?" in answer.text
    assert "x-ignored-params" not in answer.headers
    asked = upstream.bodies[0]
    system, user, assistant, first, second, last = asked["messages"]
    assert [part["text"] for part in system["content"]][1:] == [
        "You are Claude Code, Anthropic's official CLI for Claude.",
        "Be brief.",
    ]
    assert user["content"][1] == {"type": "text", "text": "What is the weather?"}
    assert assistant["content"] == "I look."
    assert [(call["id"], call["function"]["arguments"]) for call in assistant["tool_calls"]] == [
        ("toolu_1", '{"city":"Åbo"}'),
        ("toolu_2", "{}"),
    ]
    assert first == {"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"}
    assert "".join(part["text"] for part in second["content"]) == "The tool failed. no clock"
    assert [part["text"] for part in last["content"]] == ["and now?"]
    assert (asked["max_tokens"], asked["temperature"], asked["reasoning_effort"]) == (32000, 1, "medium")
    assert asked["tools"][0]["function"] == {"name": "get_weather", "description": "d", "parameters": SCHEMA}
    assert not {"metadata", "context_management", "thinking", "output_config", "system"} & asked.keys()


def test_parameters_have_their_names_upstream(gateway: Connected, upstream: ChatUpstream) -> None:
    schema_format = {"type": "json_schema", "schema": SCHEMA}
    answer = post(
        gateway,
        stop_sequences=["STOP"],
        top_p=0.5,
        top_k=5,
        thinking={"type": "enabled", "budget_tokens": 2048},
        output_config={"format": schema_format},
        tools=TOOLS,
        tool_choice={"type": "tool", "name": "get_time", "disable_parallel_tool_use": True},
        api_key="k",
    )

    asked = upstream.bodies[0]
    assert (asked["stop"], asked["top_p"], asked["reasoning_effort"]) == (["STOP"], 0.5, "low")
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "get_time"}}
    assert asked["parallel_tool_calls"] is False
    assert answer.headers["x-ignored-params"] == "top_k, api_key"
    assert not {"top_k", "api_key"} & asked.keys()


@pytest.mark.parametrize(("given", "told"), [("auto", "auto"), ("any", "required"), ("none", "none")])
def test_tool_choices(gateway: Connected, upstream: ChatUpstream, given: str, told: str) -> None:
    post(gateway, tools=TOOLS, tool_choice={"type": given})

    assert upstream.bodies[0]["tool_choice"] == told


@everywhere
def test_tool_calls_streamed_are_whole_blocks_of_their_own(gateway: Connected) -> None:
    """Items 104 and 105."""
    events = streamed(gateway, "parallel-tools", tools=TOOLS)

    found = blocks(events)
    assert [(block["type"], block["name"], block["input"]) for block in found] == [
        ("tool_use", "get_weather", {}),
        ("tool_use", "get_time", {}),
    ]
    assert len({block["id"] for block in found} - {""}) == 2
    assert [TypeAdapter(dict[str, str]).validate_json(block["partial_json"]) for block in found] == list(CALLS)
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


@everywhere
def test_tool_calls_of_a_whole_message_have_objects_as_input(gateway: Connected) -> None:
    """Item 104."""
    body = post(gateway, "parallel-tools", tools=TOOLS).json()

    assert [block["input"] for block in body["content"]] == list(CALLS)
    assert body["stop_reason"] == "tool_use"


@everywhere
def test_thinking_is_a_block_before_the_answer_where_it_was_asked_for(gateway: Connected) -> None:
    thinking, text = blocks(streamed(gateway, "reasoning", thinking={"type": "adaptive"}))
    whole = post(gateway, "reasoning", thinking={"type": "enabled", "budget_tokens": 1024}).json()["content"]

    assert (thinking["type"], thinking["thinking"], text["text"]) == ("thinking", THOUGHT, "hello")
    assert whole == [
        {"type": "thinking", "thinking": THOUGHT, "signature": ""},
        {"type": "text", "text": "hello"},
    ]


@everywhere
@pytest.mark.parametrize(
    "body", [{}, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "adaptive", "display": "omitted"}}]
)
def test_thinking_that_nobody_asked_to_see_is_not_shown(gateway: Connected, body: dict[str, Any]) -> None:
    """Programs that never heard of it read `content[0].text`."""
    assert [block["text"] for block in blocks(streamed(gateway, "reasoning", **body))] == ["hello"]
    assert post(gateway, "reasoning", **body).json()["content"] == [{"type": "text", "text": "hello"}]


def test_a_refusal_is_text_and_says_that_it_is_one(gateway: Connected) -> None:
    events, whole = streamed(gateway, "refusal"), post(gateway, "refusal").json()

    assert (blocks(events)[0]["text"], events[-2]["delta"]["stop_reason"]) == (REFUSAL, "refusal")
    assert (whole["content"][0]["text"], whole["stop_reason"]) == (REFUSAL, "refusal")


@everywhere
def test_a_token_limit_is_told(gateway: Connected) -> None:
    """Item 109."""
    assert post(gateway, prompt="one two three", max_tokens=2).json()["stop_reason"] == "max_tokens"
    assert streamed(gateway, prompt="one two three", max_tokens=2)[-2]["delta"]["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("source", "url"), [(BASE64, PIXEL), ({"type": "url", "url": "https://x.test/a.png"}, "https://x.test/a.png")]
)
def test_pictures_reach_the_model(gateway: Connected, upstream: ChatUpstream, source: dict[str, str], url: str) -> None:
    """Item 110."""
    post(gateway, prompt=[{"type": "image", "source": source}, {"type": "text", "text": "see"}])

    assert upstream.bodies[0]["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "see"},
    ]


@with_pictures
def test_a_picture_reaches_any_model_that_takes_some(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 110."""
    answer = post(gateway, prompt=[{"type": "image", "source": BASE64}, {"type": "text", "text": "see"}])

    assert answer.json()["content"][0]["text"] == "see"
    assert upstream.turns[0].pictures == [PIXEL]


@everywhere
@pytest.mark.parametrize("stream", [False, True])
def test_what_claude_code_sends_reaches_any_model(gateway: Connected, upstream: ChatUpstream, stream: bool) -> None:
    """Items 101, 102 and 104."""
    answer = gateway.http.post("/v1/messages?beta=true", json={"model": "echo", **CLAUDE_CODE, "stream": stream})

    assert answer.status_code == 200
    assert "now?" in answer.text
    heard = upstream.turns[0].seen.body.decode() + str(upstream.begun)
    for said in (
        "You are Claude Code",
        "Be brief.",
        "What is the weather?",
        "I look.",
        "sunny",
        "no clock",
        "and now?",
    ):
        assert said in heard


@everywhere
def test_a_round_of_tools(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 104."""
    called = post(gateway, "tools", "weather?", tools=TOOLS).json()
    [call] = called["content"]
    assert (called["stop_reason"], call["input"]) == ("tool_use", CALLS[0])
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}
    messages = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": called["content"]},
        {"role": "user", "content": [result]},
    ]

    assert post(gateway, "tools", messages=messages, tools=TOOLS).json()["content"][0]["text"] == "sunny"
    assert upstream.turns[1].has_result


def test_a_picture_in_the_result_of_a_tool_follows_it(gateway: Connected, upstream: ChatUpstream) -> None:
    """No chat service takes one in the result itself."""
    result = [{"type": "text", "text": "taken"}, {"type": "image", "source": BASE64}]
    messages = [
        {"role": "user", "content": "a photo"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "shoot", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": result}]},
    ]

    assert post(gateway, messages=messages).status_code == 200

    told = upstream.bodies[0]["messages"]
    assert [message["role"] for message in told] == ["user", "assistant", "tool", "user"]
    assert told[2]["content"] == "taken"
    assert told[3]["content"][1]["image_url"]["url"] == PIXEL


def test_a_document_reaches_the_model_as_a_file(gateway: Connected, upstream: ChatUpstream) -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}
    post(gateway, prompt=[{"type": "document", "title": "a.pdf", "source": source}, {"type": "text", "text": "see"}])

    assert upstream.bodies[0]["messages"][0]["content"][0] == {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
    }


@pytest.mark.parametrize("headers", [{"x-api-key": KEY}, {"Authorization": f"Bearer {KEY}"}])
def test_a_key_is_taken_from_either_header(gateway: Connected, headers: dict[str, str]) -> None:
    """Items 9 and 10."""
    body = {"model": "echo", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}

    assert httpx.post(f"{gateway.url}/v1/messages", json=body, headers=headers, trust_env=False).status_code == 200


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_wrong_key_is_refused_in_anthropics_form(gateway: Connected, path: str, key: str) -> None:
    """Item 11."""
    answer = httpx.post(gateway.url + path, headers={"x-api-key": key}, content=b"{", trust_env=False)

    assert error_of(answer) == (401, "authentication_error")


USER = {"role": "user", "content": "x"}
INVALID: dict[str, dict[str, Any]] = {
    "model": {"model": None},
    "max_tokens": {"max_tokens": None},
    "messages": {"messages": []},
    "messages[0]": {"messages": ["x"]},
    "messages[0].role": {"messages": [{**USER, "role": "tool"}]},
    "messages[0].content": {"messages": [{"role": "user"}]},
    "messages[0].content[0].type": {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
    "messages[0].content[0].tool_use_id": {
        "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}]
    },
    "messages[0].content[0].source.type": {
        "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]
    },
    "messages[0].content[0].source.url": {
        "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "file:///x"}}]}]
    },
    "messages[0].content[0].source.media_type": {
        "messages": [{"role": "user", "content": [{"type": "image", "source": {**BASE64, "media_type": "text/html"}}]}]
    },
    "system[0].type": {"system": [{"type": "image", "source": BASE64}]},
    "system": {"system": 7},
    "temperature": {"temperature": 1.5},
    "stop_sequences[0]": {"stop_sequences": [7]},
    "stream": {"stream": "yes"},
    "thinking": {"thinking": True},
    "thinking.budget_tokens": {"thinking": {"type": "enabled", "budget_tokens": "many"}},
    "tools[0].input_schema": {"tools": [{"name": "f"}]},
    "tools[0].type": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "tool_choice.type": {"tool_choice": {"type": "always"}},
    "output_config.format": {"output_config": {"format": "json"}},
}


@pytest.mark.parametrize("param", INVALID)
def test_an_invalid_field_is_named(gateway: Connected, upstream: ChatUpstream, param: str) -> None:
    """Item 111."""
    answer = post(gateway, **INVALID[param])

    assert error_of(answer) == (400, "invalid_request_error")
    assert f"`{param}`" in answer.json()["error"]["message"]
    assert upstream.asked == []


def test_what_is_refused_at_the_door_has_anthropics_form_too(gateway: Connected) -> None:
    assert error_of(gateway.http.post("/v1/messages", content=b"{")) == (400, "invalid_request_error")
    assert error_of(gateway.http.get("/v1/messages")) == (405, "invalid_request_error")
    assert error_of(gateway.http.post("/v1/messages", content=b"x" * 5_000_000)) == (413, "request_too_large")
    assert error_of(gateway.http.post("/v1/messages/", json={})) == (400, "invalid_request_error")
    assert error_of(gateway.http.post("/v1/messages/batches", json={})) == (404, "not_found_error")
    assert "type" not in gateway.http.post("/v1/messagesque", json={}).json()


@everywhere
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("unheard-of", 404, "not_found_error"),
        ("fails-400", 400, "invalid_request_error"),
        ("fails-401", 503, "overloaded_error"),
        ("fails-429", 429, "rate_limit_error"),
        ("fails-500", 502, "api_error"),
        ("fails-503", 503, "overloaded_error"),
        ("fails-html", 502, "api_error"),
    ],
)
def test_a_failure_before_the_answer_is_a_status(
    fresh: Connected, model: str, stream: bool, status: int, kind: str
) -> None:
    """Items 112 and 142."""
    answer = post(fresh, model, stream=stream)

    assert error_of(answer) == (status, kind)
    assert model != "fails-429" or answer.headers["retry-after"] == "17"


@everywhere
@pytest.mark.parametrize("model", ["breaks-error", "breaks-close", "breaks-reset"])
def test_a_failure_within_the_answer_is_an_event_and_no_end(fresh: Connected, model: str) -> None:
    """Item 148."""
    check_failure(fresh, model)


@with_an_end
def test_an_answer_that_lacks_its_end_has_none_here_either(fresh: Connected) -> None:
    """Item 148."""
    check_failure(fresh, "breaks-end")


def check_failure(fresh: Connected, model: str) -> None:
    *before, last = streamed(fresh, model)

    assert (last["type"], last["error"]["type"]) == ("error", "api_error")
    assert not {"message_stop", "message_delta"} & set(kinds(before))
    assert error_of(post(fresh, model))[0] == 502


@everywhere
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
def test_a_stream_that_had_to_begin_before_its_answer_goes_on_with_it(upstream: ChatUpstream, path: str) -> None:
    """Comments keep the line open; the events come as if nothing had been."""
    body = {"model": "silent", "max_tokens": 9, "stream": True, "input": "hello", "messages": [USER]}
    with connected(upstream, "commit_after = 0.05") as eager, eager.http.stream("POST", path, json=body) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": keep-alive"
        upstream.open_gate()
        events = named_events("".join(f"{line}\n" for line in lines).lstrip())

    assert kinds(events)[0] in {"message_start", "response.created"}
    assert kinds(events)[-1] in {"message_stop", "response.completed"}


@everywhere
def test_tokens_are_counted_without_an_upstream(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 113: everything that is sent counts."""

    def count(**body: Any) -> int:
        answer = gateway.http.post("/v1/messages/count_tokens?beta=true", json={"model": "echo", **body})
        assert answer.json().keys() == {"input_tokens"}
        tokens: int = answer.json()["input_tokens"]
        return tokens

    alone = count(messages=[USER])
    with_system = count(messages=[USER], system="be brief " * 10)
    with_tools = count(messages=[USER], system="be brief " * 10, tools=TOOLS)
    assert 0 < alone < with_system < with_tools
    assert upstream.asked == []


def test_tokens_of_a_model_that_nobody_has_are_not_counted(upstream: ChatUpstream) -> None:
    """Item 112. What an alias names or a pattern lets through is known, though nobody lists it."""
    fixed = 'models = ["claude-*"]\n[models]\nbest = ["up/claude-9"]'
    with connected(upstream, provider=fixed) as gateway:
        found = {
            model: gateway.http.post("/v1/messages/count_tokens", json={"model": model, "messages": [USER]})
            for model in ("best", "claude-9", "up/claude-9", "unheard-of")
        }

    assert [answer.status_code for answer in found.values()] == [200, 200, 200, 404]
    assert error_of(found["unheard-of"]) == (404, "not_found_error")
