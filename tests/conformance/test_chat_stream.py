"""Streamed chat completions, as they go over the wire."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.conformance.gateways import Connected, question
from tests.conformance.kinds import everywhere
from tests.conformance.samples import TOOLS, UNICODE
from tests.conformance.sse import chunks, content, events, finishes
from tests.support.chat_upstream import ChatUpstream
from tests.support.models import CALLS, REFUSAL, THOUGHT

SPECIAL = ["reasoning", "refusal", "tools", "parallel-tools", "no-usage"]
USAGE = {"include_usage": True}
OPTIONS: dict[str, dict[str, Any]] = {"plain": {}, "usage": {"stream_options": USAGE}, "two": {"n": 2}}


def stream(gateway: Connected, model: str, prompt: str = "hello", **body: Any) -> httpx.Response:
    return gateway.chat(model, prompt, stream=True, **body)


@everywhere
def test_a_stream_is_an_event_stream_that_no_proxy_holds_back(gateway: Connected) -> None:
    """Items 48 and 49."""
    answer = stream(gateway, "echo")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-length" not in answer.headers


@everywhere
def test_the_golden_stream(gateway: Connected) -> None:
    """Items 50 to 59, to the letter."""
    answer = stream(gateway, "echo", "one two")

    first = chunks(answer.content)[0]
    head = {key: first[key] for key in ("id", "object", "created", "model")}
    expected: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "one "}, None),
        ({"content": "two"}, None),
        ({}, "stop"),
    ]
    told = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in expected]
    assert events(answer.content) == [*told, "[DONE]"]
    assert (head["object"], head["model"]) == ("chat.completion.chunk", "echo")


@everywhere
@pytest.mark.parametrize("model", ["echo", "vendor/echo"])
@pytest.mark.parametrize("options", OPTIONS)
def test_every_stream_has_one_identity_one_role_and_one_end_for_each_choice(
    gateway: Connected, model: str, options: str
) -> None:
    """Items 52 to 59 and 64."""
    check_stream(gateway, model, OPTIONS[options])


@everywhere
@pytest.mark.parametrize("model", ["tools", "parallel-tools"])
@pytest.mark.parametrize("options", OPTIONS)
def test_so_has_one_of_tool_calls(gateway: Connected, model: str, options: str) -> None:
    """Items 52 to 59 and 64."""
    check_stream(gateway, model, {"tools": TOOLS, **OPTIONS[options]})


@everywhere
@pytest.mark.parametrize("options", OPTIONS)
def test_so_has_one_of_thought(gateway: Connected, options: str) -> None:
    """Items 52 to 59 and 64."""
    check_stream(gateway, "reasoning", OPTIONS[options])


@pytest.mark.parametrize("model", ["refusal", "no-usage"])
@pytest.mark.parametrize("options", OPTIONS)
def test_so_have_those_that_only_openai_has(gateway: Connected, model: str, options: str) -> None:
    """Items 52 to 59 and 64."""
    check_stream(gateway, model, OPTIONS[options])


def check_stream(gateway: Connected, model: str, options: dict[str, Any]) -> None:
    found = chunks(stream(gateway, model, **options).content)

    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in found}) == 1
    for index in range(options.get("n", 1)):
        choices = [choice for chunk in found for choice in chunk["choices"] if choice["index"] == index]
        first, *middle, last = choices
        assert first["delta"] == {"role": "assistant", "content": ""}
        assert last["delta"] == {}
        assert last["finish_reason"]
        assert all(choice["finish_reason"] is None for choice in [first, *middle])
        assert all("content" in choice["delta"] and "role" not in choice["delta"] for choice in middle)
    assert len(finishes(found)) == options.get("n", 1)


@everywhere
def test_no_chunk_has_a_field_that_the_official_client_does_not_know(gateway: Connected) -> None:
    """Item 53."""
    check_fields(gateway, "echo")


@pytest.mark.parametrize("model", SPECIAL)
def test_neither_have_rarer_chunks(gateway: Connected, model: str) -> None:
    """Item 53. The thinking's own field is the one that everybody has agreed on."""
    check_fields(gateway, model)


def check_fields(gateway: Connected, model: str) -> None:
    for chunk in chunks(stream(gateway, model, tools=TOOLS if "tools" in model else [], stream_options=USAGE).content):
        read = ChatCompletionChunk.model_validate(chunk)
        assert read.model_extra == {}
        for choice in read.choices:
            assert not choice.model_extra
            assert set(choice.delta.model_extra or ()) <= {"reasoning_content"}
            assert not any(call.model_extra for call in choice.delta.tool_calls or ())


@everywhere
def test_usage_is_in_no_chunk_unless_it_was_asked_for(gateway: Connected) -> None:
    """Item 58."""
    for options in ({}, {"stream_options": {"include_usage": False}}, {"stream_options": None}):
        assert all(
            "usage" not in chunk and chunk["choices"] for chunk in chunks(stream(gateway, "echo", **options).text)
        )


@everywhere
def test_usage_comes_once_in_a_last_chunk_without_choices(gateway: Connected) -> None:
    """Items 59 and 60."""
    *others, last = chunks(stream(gateway, "echo", "one two three", stream_options=USAGE).content)

    assert last["choices"] == []
    usage = last["usage"]
    assert min(usage["prompt_tokens"], usage["completion_tokens"]) >= 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in others)


@everywhere
@pytest.mark.parametrize("model", ["echo", "bytewise"])
def test_unicode_survives_streaming(gateway: Connected, model: str) -> None:
    """Items 61, 62 and 149: also where the upstream cuts its bytes inside characters."""
    found = chunks(stream(gateway, model, UNICODE).content)

    assert content(found) == UNICODE
    assert gateway.chat(model, UNICODE).json()["choices"][0]["message"]["content"] == UNICODE


@everywhere
def test_a_chunk_is_passed_on_before_the_upstream_has_the_next(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 63: what was said has arrived while the upstream still waits for our leave to go on."""
    body = question("gated", "begun", stream=True)
    with gateway.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        lines = answer.iter_lines()
        assert any('"begun "' in line for line in lines)
        assert upstream.open == 1
        upstream.open_gate()
        assert list(lines)[-2:] == ["data: [DONE]", ""]


@everywhere
def test_two_choices_come_side_by_side(gateway: Connected, upstream: ChatUpstream) -> None:
    """Items 55 and 64: both have begun while neither may end, and each has its role once, however it arrived."""
    body = question("gated", "begun", stream=True, n=2)
    with gateway.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        text = ""
        pieces = answer.iter_text()
        while text.count('"begun "') < 2:
            text += next(pieces)
        upstream.open_gate()
        found = chunks(text + "".join(pieces))

    assert [content(found, index) for index in (0, 1)] == ["begun and the rest"] * 2
    assert sorted(finishes(found)) == [(0, "stop"), (1, "stop")]
    deltas = [choice["delta"] for chunk in found for choice in chunk["choices"]]
    assert [delta["role"] for delta in deltas if "role" in delta] == ["assistant"] * 2


@everywhere
def test_a_stop_sequence_holds_in_streams(gateway: Connected) -> None:
    """Item 65."""
    stopped = chunks(stream(gateway, "echo", "one END two", stop="END").content)

    assert (content(stopped), finishes(stopped)) == ("one ", [(0, "stop")])


@everywhere
def test_a_token_limit_holds_in_streams(gateway: Connected) -> None:
    """Item 65."""
    cut = chunks(stream(gateway, "echo", "one two three", max_completion_tokens=1).content)

    assert (content(cut), finishes(cut)) == ("one ", [(0, "length")])


@everywhere
@pytest.mark.parametrize(("model", "count"), [("tools", 1), ("parallel-tools", 2)])
def test_tool_calls_come_in_fragments_that_add_up(gateway: Connected, model: str, count: int) -> None:
    """Item 66: the head once, with an index on every fragment."""
    found = chunks(stream(gateway, model, tools=TOOLS).content)

    fragments = [call for chunk in found for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    heads = [call for call in fragments if "id" in call]
    assert [(head["index"], head["type"], head["function"]) for head in heads] == [
        (0, "function", {"name": "get_weather", "arguments": ""}),
        (1, "function", {"name": "get_time", "arguments": ""}),
    ][:count]
    assert len({head["id"] for head in heads} - {""}) == count
    for index in range(count):
        own = [call for call in fragments if call["index"] == index]
        assert [set(call) for call in own[1:]] == [{"index", "function"}] * (len(own) - 1)
        assert json.loads("".join(call["function"]["arguments"] for call in own)) == CALLS[index]
    assert finishes(found) == [(0, "tool_calls")]


@pytest.mark.kinds("openai", "anthropic-sse")
def test_arguments_are_passed_on_piece_by_piece(gateway: Connected) -> None:
    """Item 66, where the upstream does so: no client waits for the whole of a long file."""
    found = chunks(stream(gateway, "tools", tools=TOOLS).content)

    assert sum("tool_calls" in choice["delta"] for chunk in found for choice in chunk["choices"]) > 2


def test_refusals_have_their_own_field(gateway: Connected) -> None:
    """Item 67."""
    refused = chunks(stream(gateway, "refusal").content)

    assert (content(refused, field="refusal"), content(refused)) == (REFUSAL, "")


@everywhere
def test_reasoning_has_its_own_field(gateway: Connected) -> None:
    """Item 42."""
    thought = chunks(stream(gateway, "reasoning", "the answer").content)

    assert (content(thought, field="reasoning_content"), content(thought)) == (THOUGHT, "the answer")


def test_accept_does_not_decide_whether_it_streams(gateway: Connected) -> None:
    body = question("echo", stream=True)
    answer = gateway.http.post("/v1/chat/completions", json=body, headers={"Accept": "application/json"})

    assert content(chunks(answer.content)) == "hello"
