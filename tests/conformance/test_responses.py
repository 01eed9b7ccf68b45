"""OpenAI's Responses, as they go over the wire."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere, with_an_end, with_pictures
from tests.conformance.named_sse import kinds, named_events
from tests.conformance.samples import PIXEL, UNICODE, WEATHER
from tests.conformance.schema import check
from tests.conformance.sse import chunks, content, finishes
from tests.support.chat_upstream import ChatUpstream
from tests.support.models import CALLS, REFUSAL, THOUGHT

SCHEMA = WEATHER["function"]["parameters"]
TOOLS = [{"type": "function", "name": name, "parameters": SCHEMA} for name in ("get_weather", "get_time")]
ANYBODYS = ["echo", "reasoning", "tools", "parallel-tools"]

HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}],
    },
    {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "get_weather", "arguments": '{"city":"Åbo"}'},
    {"type": "function_call", "id": "fc_2", "call_id": "b", "name": "get_time", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "a", "output": "sunny"},
    {
        "type": "function_call_output",
        "call_id": "b",
        "output": [{"type": "input_text", "text": "noon"}, {"type": "input_image", "image_url": PIXEL}],
    },
    {"type": "message", "role": "user", "content": "and now?"},
]
CODEX: dict[str, Any] = {
    "instructions": "You are Codex.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "sandboxed"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
    ],
    "tools": [{**TOOLS[0], "strict": False, "description": "d"}, {"type": "web_search", "external_web_access": False}],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "service_tier": "auto",
    "prompt_cache_key": "0199a0f0-5f0e-7d3a",
    "text": {"verbosity": "low"},
    "client_metadata": {"x-codex-installation-id": "1"},
}


def post(gateway: Connected, model: str = "echo", given: Any = "hello", **body: Any) -> httpx.Response:
    return gateway.http.post("/v1/responses", json={"model": model, "input": given, **body})


def whole(gateway: Connected, model: str = "echo", given: Any = "hello", **body: Any) -> dict[str, Any]:
    """A response by OpenAI's schema."""
    answer: dict[str, Any] = post(gateway, model, given, **body).json()
    check(answer, "Response")
    return answer


def streamed(gateway: Connected, model: str = "echo", given: Any = "hello", **body: Any) -> list[dict[str, Any]]:
    """The events of a response, each by OpenAI's schema, numbered without a gap, with one identity."""
    events = named_events(post(gateway, model, given, stream=True, **body).text)
    for event in events:
        check(event, "ResponseStreamEvent")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1
    return events


def items(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items as they ended. Fails where one is not begun once, at the next place, and ended once, as itself."""
    begun = [event for event in events if event["type"] == "response.output_item.added"]
    ended = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    assert [event["output_index"] for event in begun] == list(range(len(begun)))
    assert [(event["item"]["id"], event["item"]["type"]) for event in begun] == [
        (ended[place]["id"], ended[place]["type"]) for place in range(len(begun))
    ]
    for event in events:
        assert "item_id" not in event or event["item_id"] == ended[event["output_index"]]["id"]
    return [ended[place] for place in range(len(begun))]


def said(item: dict[str, Any]) -> str:
    assert item["type"] == "message"
    return "".join(part["text"] for part in item["content"])


@everywhere
def test_a_whole_response(gateway: Connected) -> None:
    """Items 87 and 97."""
    response = whole(gateway, given=UNICODE)

    assert response["id"].startswith("resp_")
    assert (response["object"], response["status"], response["model"]) == ("response", "completed", "echo")
    [message] = response["output"]
    assert message["content"] == [{"type": "output_text", "text": UNICODE, "annotations": [], "logprobs": []}]
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert min(usage["input_tokens"], usage["output_tokens"]) >= 1


@everywhere
def test_parameters_are_repeated(gateway: Connected) -> None:
    """Item 88."""
    given = {
        "instructions": "be brief",
        "temperature": 0.3,
        "top_p": 0.5,
        "tools": TOOLS,
        "tool_choice": {"type": "function", "name": "get_time"},
        "metadata": {"purpose": "test"},
        "parallel_tool_calls": False,
        "max_output_tokens": 99,
        "reasoning": {"effort": "low"},
        "prompt_cache_key": "key",
    }
    response = whole(gateway, "tools", **given)
    created = streamed(gateway, "tools", **given)[0]["response"]

    for told in (response, created):
        assert {name: told[name] for name in given} == {
            **given,
            "tools": told["tools"],
            "reasoning": {"effort": "low", "summary": None},
        }
        assert [tool["name"] for tool in told["tools"]] == ["get_weather", "get_time"]


def test_what_was_not_given_has_its_default(gateway: Connected) -> None:
    response = whole(gateway, temperature=None)

    assert (response["temperature"], response["tools"], response["tool_choice"]) == (1.0, [], "auto")
    assert (response["instructions"], response["metadata"], response["previous_response_id"]) == (None, {}, None)


@everywhere
def test_the_golden_stream(gateway: Connected) -> None:
    """Items 94 and 97."""
    events = streamed(gateway, given=UNICODE)

    assert kinds(events) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert len(deltas) > 1
    [item] = items(events)
    final = events[-1]["response"]
    assert "".join(deltas) == said(item) == events[-4]["text"] == UNICODE
    assert (final["output"], final["status"]) == ([item], "completed")
    assert final["usage"]["output_tokens"] >= 1


@everywhere
@pytest.mark.parametrize("model", ANYBODYS)
def test_streamed_and_whole_are_the_same(gateway: Connected, model: str) -> None:
    """Items 94 to 96, ids aside."""
    check_sameness(gateway, model)


@pytest.mark.parametrize("model", ["refusal", "no-usage"])
def test_so_are_they_of_what_only_openai_has(gateway: Connected, model: str) -> None:
    """Item 94."""
    check_sameness(gateway, model)


def check_sameness(gateway: Connected, model: str) -> None:
    def without_ids(output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The gateway's own ids, and those that it gives to calls where the upstream has none."""
        return [{key: value for key, value in item.items() if key not in {"id", "call_id"}} for item in output]

    events = streamed(gateway, model, tools=TOOLS)

    assert events[-1]["response"]["output"] == items(events)
    assert without_ids(items(events)) == without_ids(whole(gateway, model, tools=TOOLS)["output"])


@everywhere
def test_two_calls_streamed(gateway: Connected) -> None:
    """Items 92 and 95."""
    events = streamed(gateway, "parallel-tools", tools=TOOLS)

    of_one_call = [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    assert kinds(events)[2:-1] == 2 * of_one_call
    found = items(events)
    assert [(item["name"], json.loads(item["arguments"])) for item in found] == [
        ("get_weather", CALLS[0]),
        ("get_time", CALLS[1]),
    ]
    assert len({item["call_id"] for item in found} - {""}) == 2
    done = [event for event in events if event["type"] == "response.function_call_arguments.done"]
    assert [(event["name"], event["arguments"]) for event in done] == [
        (item["name"], item["arguments"]) for item in found
    ]


@everywhere
def test_thinking_is_an_item_before_the_message(gateway: Connected) -> None:
    """Item 96."""
    events = streamed(gateway, "reasoning")

    thought, message = items(events)
    assert (thought["type"], thought["summary"]) == ("reasoning", [{"type": "summary_text", "text": THOUGHT}])
    assert said(message) == "hello"
    deltas = [event["delta"] for event in events if event["type"] == "response.reasoning_summary_text.delta"]
    assert "".join(deltas) == THOUGHT


def test_a_refusal_is_a_part_of_its_own(gateway: Connected) -> None:
    [item] = items(streamed(gateway, "refusal"))

    assert item["content"] == [{"type": "refusal", "refusal": REFUSAL}]


@everywhere
def test_a_token_limit_makes_it_incomplete(gateway: Connected) -> None:
    """Item 91."""
    events = streamed(gateway, given="one two three", max_output_tokens=2)

    assert events[-1]["type"] == "response.incomplete"
    for response in (events[-1]["response"], whole(gateway, given="one two three", max_output_tokens=2)):
        assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
        assert response["output"][0]["status"] == "incomplete"
        assert said(response["output"][0]) == "one two "


@everywhere
@pytest.mark.parametrize(
    "given",
    [
        "hello",
        [{"role": "user", "content": "hello"}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
    ],
)
def test_the_input_has_several_forms(gateway: Connected, upstream: ChatUpstream, given: Any) -> None:
    """Items 89 and 90."""
    assert said(whole(gateway, given=given, instructions="be brief")["output"][0]) == "hello"
    assert upstream.turns[0].conversation == [("system", "be brief"), ("user", "hello")]


@everywhere
def test_nothing_of_a_history_is_lost_on_its_way_to_any_upstream(gateway: Connected, upstream: ChatUpstream) -> None:
    """Items 89 and 92."""
    history = [*HISTORY[:6], {**HISTORY[6], "output": "noon"}, HISTORY[7]]

    assert said(whole(gateway, given=history, tools=TOOLS)["output"][0]) == "and now?"

    heard = upstream.turns[0].seen.body.decode() + str(upstream.begun)
    told = ("What is the weather?", "I look.", "get_weather", "sunny", "get_time", "noon", "and now?")
    assert [said for said in told if said not in heard] == []


def test_a_history_reaches_the_model_in_the_order_that_chat_services_want(
    gateway: Connected, upstream: ChatUpstream
) -> None:
    """Items 89, 92 and 93: calls stand in the turn they belong to, pictures behind the results they came in."""
    whole(gateway, given=HISTORY, tools=TOOLS)

    user, assistant, first, second, picture, last = upstream.bodies[0]["messages"]
    assert user["content"] == "What is the weather?"
    assert (assistant["role"], assistant["content"]) == ("assistant", "I look.")
    assert [(call["id"], call["function"]) for call in assistant["tool_calls"]] == [
        ("a", {"name": "get_weather", "arguments": '{"city":"Åbo"}'}),
        ("b", {"name": "get_time", "arguments": "{}"}),
    ]
    assert first == {"role": "tool", "tool_call_id": "a", "content": "sunny"}
    assert second == {"role": "tool", "tool_call_id": "b", "content": "noon"}
    assert (picture["role"], picture["content"][1]["image_url"]["url"]) == ("user", PIXEL)
    assert last == {"role": "user", "content": "and now?"}


@with_pictures
def test_a_picture_reaches_any_model_that_takes_some(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 93."""
    parts = [{"type": "input_image", "image_url": PIXEL}, {"type": "input_text", "text": "see"}]

    assert said(whole(gateway, given=[{"role": "user", "content": parts}])["output"][0]) == "see"
    assert upstream.turns[0].pictures == [PIXEL]


@everywhere
def test_a_round_of_tools(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 92."""
    asked = {"role": "user", "content": "weather?"}
    [call] = whole(gateway, "tools", [asked], tools=TOOLS)["output"]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}

    assert said(whole(gateway, "tools", [asked, call, result], tools=TOOLS)["output"][0]) == "sunny"
    assert upstream.turns[1].has_result


def test_pictures_and_files_reach_the_model(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 93."""
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}
    parts = [{"type": "input_image", "image_url": PIXEL, "detail": "low"}, {"type": "input_file", **file}]

    whole(gateway, given=[{"role": "user", "content": [*parts, {"type": "input_text", "text": "see"}]}])

    assert upstream.bodies[0]["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "file", "file": file},
        {"type": "text", "text": "see"},
    ]


def test_what_codex_sends_is_taken(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 99: what only concerns OpenAI's own servers goes no further."""
    answer = gateway.http.post("/v1/responses", json={"model": "echo", **CODEX})

    assert named_events(answer.text)[-1]["type"] == "response.completed"
    assert answer.headers["x-ignored-params"] == "tools.web_search"
    asked = upstream.bodies[0]
    assert asked.keys() == {
        "model",
        "messages",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning_effort",
        "verbosity",
    }
    assert (asked["parallel_tool_calls"], asked["reasoning_effort"], asked["verbosity"]) == (False, "medium", "low")
    assert asked["tools"] == [
        {
            "type": "function",
            "function": {"name": "get_weather", "description": "d", "parameters": SCHEMA, "strict": False},
        }
    ]
    assert [message["role"] for message in asked["messages"]] == ["system", "system", "user"]


@everywhere
def test_what_codex_sends_is_taken_by_any_upstream(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 99."""
    answer = gateway.http.post("/v1/responses", json={"model": "echo", **CODEX})

    last = named_events(answer.text)[-1]
    assert (last["type"], said(last["response"]["output"][0])) == ("response.completed", "hello")
    assert "tools.web_search" in answer.headers["x-ignored-params"].split(", ")
    heard = " ".join(told.text for told in upstream.turns[0].conversation)
    assert heard.startswith("You are Codex.")
    assert "sandboxed" in heard


PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
}


def test_a_custom_tool_is_a_function_upstream(gateway: Connected, upstream: ChatUpstream) -> None:
    """Codex edits files by one. What it did before reaches the model in the same form."""
    history = [
        {"role": "user", "content": "x"},
        {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": '*** "Åbo"'},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "Done"},
    ]

    whole(gateway, given=history, tools=[PATCH], tool_choice={"type": "custom", "name": "apply_patch"})

    asked = upstream.bodies[0]
    function = asked["tools"][0]["function"]
    assert (function["name"], function["parameters"]["required"]) == ("apply_patch", ["input"])
    assert function["description"].startswith("Edits files.\n")
    assert 'start: "x"' in function["description"]
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "apply_patch"}}
    call, result = asked["messages"][1:]
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"input": '*** "Åbo"'}
    assert result == {"role": "tool", "tool_call_id": "a", "content": "Done"}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
            {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
        ),
    ],
)
def test_text_formats_have_their_names_upstream(
    gateway: Connected, upstream: ChatUpstream, wanted: dict[str, Any], told: Any
) -> None:
    assert whole(gateway, text={"format": wanted})["text"] == {"format": wanted}
    assert upstream.bodies[0].get("response_format") == told


@pytest.mark.parametrize(
    ("given", "told", "names"),
    [
        ("required", "required", ["get_weather", "get_time"]),
        (
            {"type": "function", "name": "get_time"},
            {"type": "function", "function": {"name": "get_time"}},
            ["get_weather", "get_time"],
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]},
            "required",
            ["get_time"],
        ),
    ],
)
def test_tool_choices(gateway: Connected, upstream: ChatUpstream, given: Any, told: Any, names: list[str]) -> None:
    whole(gateway, tools=TOOLS, tool_choice=given)

    asked = upstream.bodies[0]
    assert asked["tool_choice"] == told
    assert [tool["function"]["name"] for tool in asked["tools"]] == names


INVALID: dict[str, dict[str, Any]] = {
    "model": {"model": None},
    "input": {"input": None},
    "input ": {"input": 7},
    "input  ": {"input": []},
    "input   ": {"input": [HISTORY[1]]},
    "input[0]": {"input": ["hello"]},
    "input[0] ": {"input": [{"type": "item_reference", "id": "msg_1"}]},
    "input[0].type": {"input": [{"type": "computer_call"}]},
    "input[0].role": {"input": [{"role": "wizard", "content": "x"}]},
    "input[0].content": {"input": [{"role": "user"}]},
    "input[0].content[0].type": {"input": [{"role": "user", "content": [{"type": "smell"}]}]},
    "input[0].content[0].image_url": {
        "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "file:///etc/passwd"}]}]
    },
    "input[0].call_id": {"input": [HISTORY[5]]},
    "instructions": {"instructions": 7},
    "previous_response_id": {"previous_response_id": "resp_1"},
    "conversation": {"conversation": "conv_1"},
    "prompt": {"prompt": {"id": "pmpt_1"}},
    "background": {"background": True},
    "temperature": {"temperature": 3},
    "max_output_tokens": {"max_output_tokens": 0},
    "metadata": {"metadata": "x"},
    "parallel_tool_calls": {"parallel_tool_calls": "no"},
    "reasoning": {"reasoning": "hard"},
    "text.format.type": {"text": {"format": {"type": "xml"}}},
    "text.format.schema": {"text": {"format": {"type": "json_schema", "name": "n"}}},
    "tools[0].type": {"tools": [{}]},
    "tools[0].function": {"tools": [{"type": "function"}]},
    "tool_choice": {"tools": TOOLS, "tool_choice": "always"},
}


@pytest.mark.parametrize("param", INVALID)
def test_an_invalid_field_is_named(gateway: Connected, upstream: ChatUpstream, param: str) -> None:
    """Items 17 and 98."""
    answer = gateway.http.post("/v1/responses", json={"model": "echo", "input": "hello", **INVALID[param]})

    check(answer.json(), "ErrorResponse")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param.strip())
    assert upstream.asked == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_nothing_is_stored_and_the_answer_says_so(gateway: Connected, method: str) -> None:
    answer = gateway.http.request(method, "/v1/responses/resp_1")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "response_not_found")
    assert "not stored" in answer.json()["error"]["message"]
    assert httpx.request(method, f"{gateway.url}/v1/responses/resp_1", trust_env=False).status_code == 401


@everywhere
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "status"), [("unheard-of", 404), ("fails-429", 429), ("fails-500", 502)])
def test_a_failure_before_the_answer_is_a_status(fresh: Connected, model: str, stream: bool, status: int) -> None:
    """Items 15, 16 and 142."""
    answer = post(fresh, model, stream=stream)

    check(answer.json(), "ErrorResponse")
    assert answer.status_code == status


@everywhere
@pytest.mark.parametrize("model", ["breaks-error", "breaks-close", "breaks-reset"])
def test_a_failure_within_the_answer_ends_it_as_failed(fresh: Connected, model: str) -> None:
    """Item 147."""
    check_failure(fresh, model)


@with_an_end
def test_so_ends_an_answer_that_lacks_its_end(fresh: Connected) -> None:
    """Item 147."""
    check_failure(fresh, "breaks-end")


def check_failure(fresh: Connected, model: str) -> None:
    *before, last = streamed(fresh, model)

    assert last["type"] == "response.failed"
    assert (last["response"]["status"], last["response"]["error"]["code"]) == ("failed", "server_error")
    assert last["response"]["error"]["message"]
    assert not any(event["type"].endswith(("completed", "incomplete")) for event in before)
    assert post(fresh, model).status_code == 502


def test_a_responses_request_on_the_chat_path_gets_a_chat(gateway: Connected, upstream: ChatUpstream) -> None:
    """Cursor posts it there."""
    body = {"model": "parallel-tools", "input": HISTORY[:1], "tools": TOOLS, "max_output_tokens": 50, "user": "u"}

    answer = gateway.http.post("/v1/chat/completions", json=body)
    found = chunks(gateway.http.post("/v1/chat/completions", json={**body, "stream": True}).text)

    check(answer.json(), "CreateChatCompletionResponse")
    calls = answer.json()["choices"][0]["message"]["tool_calls"]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == list(CALLS)
    assert finishes(found) == [(0, "tool_calls")]
    assert upstream.bodies[0]["messages"] == [{"role": "user", "content": "What is the weather?"}]
    assert upstream.bodies[0]["max_tokens"] == 50


def test_instructions_and_tools_in_chats_form_are_taken_on_the_chat_path(
    gateway: Connected, upstream: ChatUpstream
) -> None:
    body = {"model": "echo", "input": "hello", "instructions": "be brief", "tools": [WEATHER], "stream": True}

    found = chunks(gateway.http.post("/v1/chat/completions", json=body).text)

    assert content(found) == "hello"
    assert upstream.bodies[0]["tools"] == [WEATHER]
    assert upstream.bodies[0]["messages"][0] == {"role": "system", "content": "be brief"}


CURSOR_PATCH = "*** Begin Patch\n*** Add File: å.py\n+x\n*** End Patch"


@pytest.mark.parametrize("shape", ["messages", "input"])
def test_cursors_patches_are_plain_text_both_ways(gateway: Connected, upstream: ChatUpstream, shape: str) -> None:
    """It mixes flat tools with others, and reads and writes the text of a custom one as a function's arguments."""
    call = {"id": "a", "type": "function", "function": {"name": "apply_patch", "arguments": CURSOR_PATCH}}
    history = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "Done"},
        {"role": "user", "content": "again"},
    ]
    items = [
        history[0],
        {"type": "function_call", "call_id": "a", "name": "apply_patch", "arguments": CURSOR_PATCH},
        {"type": "function_call_output", "call_id": "a", "output": "Done"},
        history[3],
    ]
    body = {
        "model": "tools",
        "tools": [PATCH, WEATHER, TOOLS[1]],
        "tool_choice": {"type": "custom", "name": "apply_patch"},
    }
    body[shape] = history if shape == "messages" else items

    whole_answer = gateway.http.post("/v1/chat/completions", json=body).json()
    found = chunks(gateway.http.post("/v1/chat/completions", json={**body, "stream": True}).text)

    asked = upstream.bodies[0]
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["apply_patch", "get_weather", "get_time"]
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "apply_patch"}}
    [sent] = asked["messages"][1]["tool_calls"]
    assert json.loads(sent["function"]["arguments"]) == {"input": CURSOR_PATCH}
    assert asked["messages"][1]["content"] is None
    said = json.dumps(CALLS[0], ensure_ascii=False)  # the upstream calls every tool with a city
    [made] = whole_answer["choices"][0]["message"]["tool_calls"]
    assert (made["type"], made["function"]) == ("function", {"name": "apply_patch", "arguments": said})
    fragments = [call for chunk in found for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [fragment["function"] for fragment in fragments] == [
        {"name": "apply_patch", "arguments": ""},
        {"arguments": said},
    ]


def test_tools_may_be_flat_where_a_chat_is_asked_for(gateway: Connected, upstream: ChatUpstream) -> None:
    """Other clients than Cursor do so too."""
    gateway.chat("echo", tools=[TOOLS[0]], tool_choice={"type": "function", "name": "get_weather"})

    asked = upstream.bodies[0]
    assert asked["tools"] == [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
