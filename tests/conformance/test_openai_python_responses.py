"""The official Python client's Responses, and LangChain's over it."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterator

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall, ResponseInputItemParam
from pydantic import BaseModel, SecretStr

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere
from tests.conformance.samples import TOOLS, UNICODE, WEATHER
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE
from tests.support.models import CALLS, THOUGHT


class City(BaseModel):
    name: str
    people: int


def tools() -> list[FunctionToolParam]:
    parameters = WEATHER["function"]["parameters"]
    names = ("get_weather", "get_time")
    return [{"type": "function", "name": name, "parameters": parameters, "strict": True} for name in names]


@pytest.fixture
def client(gateway: Connected) -> Iterator[OpenAI]:
    with gateway.openai() as client:
        yield client


@everywhere
def test_create(client: OpenAI) -> None:
    """Item 74."""
    response = client.responses.create(model="echo", input=UNICODE)

    assert response.output_text == UNICODE
    assert response.usage is not None
    assert response.usage.output_tokens >= 1
    assert response._request_id is not None


@everywhere
def test_the_stream_helper_accumulates_a_response(client: OpenAI) -> None:
    """Item 75."""
    with client.responses.stream(model="echo", input=UNICODE) as stream:
        events = list(stream)
        final = stream.get_final_response()

    [created] = [event.response for event in events if event.type == "response.created"]
    assert (final.id, final.output_text, final.status) == (created.id, UNICODE, "completed")


@everywhere
def test_the_stream_helper_keeps_the_thinking_apart(client: OpenAI) -> None:
    """Items 75 and 96."""
    with client.responses.stream(model="reasoning", input="the answer") as stream:
        final = stream.get_final_response()

    assert final.output_text == "the answer"
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.output[0].summary[0].text == THOUGHT  # type: ignore[union-attr]  # just seen


@everywhere
def test_the_stream_helper_accumulates_two_calls(client: OpenAI) -> None:
    """Item 76."""
    with client.responses.stream(model="parallel-tools", input="x", tools=tools()) as stream:
        done = [event for event in stream if event.type == "response.function_call_arguments.done"]
        final = stream.get_final_response()

    assert [json.loads(event.arguments) for event in done] == list(CALLS)
    calls = [item for item in final.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("get_weather", CALLS[0]),
        ("get_time", CALLS[1]),
    ]


@everywhere
def test_parse_gives_an_object(client: OpenAI) -> None:
    """Item 77."""
    response = client.responses.parse(model="echo", input='{"name": "Åbo", "people": 200000}', text_format=City)

    assert response.output_parsed == City(name="Åbo", people=200000)


def test_the_schema_of_the_object_reaches_the_upstream(client: OpenAI, upstream: ChatUpstream) -> None:
    """Item 77."""
    client.responses.parse(model="echo", input='{"name": "", "people": 0}', text_format=City)

    asked = upstream.bodies[0]["response_format"]
    assert (asked["type"], asked["json_schema"]["name"], asked["json_schema"]["strict"]) == (
        "json_schema",
        "City",
        True,
    )


@everywhere
def test_the_stream_helper_parses_as_well(client: OpenAI) -> None:
    """Item 77, streamed."""
    with client.responses.stream(model="echo", input='{"name": "Åbo", "people": 200000}', text_format=City) as stream:
        final = stream.get_final_response()

    assert final.output_parsed == City(name="Åbo", people=200000)


@everywhere
def test_a_round_of_tools(client: OpenAI, upstream: ChatUpstream) -> None:
    """Item 92: the output goes back as it is, with what the tool said behind it."""
    first = client.responses.create(model="tools", input="x", tools=tools())
    [call] = first.output
    assert isinstance(call, ResponseFunctionToolCall)
    conversation: list[ResponseInputItemParam] = [
        {"role": "user", "content": "x"},
        call.to_dict(),  # type: ignore[list-item]  # what OpenAI's guide does
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]

    second = client.responses.create(model="tools", input=conversation, tools=tools())

    assert second.output_text == "sunny"
    assert upstream.turns[1].has_result


def test_what_would_need_a_memory_is_refused(client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.responses.create(model="echo", input="x", previous_response_id="resp_1")
    with pytest.raises(NotFoundError) as missing:
        client.responses.retrieve("resp_1")

    assert (refused.value.param, missing.value.code) == ("previous_response_id", "response_not_found")


@everywhere
def test_a_broken_stream_ends_as_failed(fresh: Connected) -> None:
    """Item 147."""
    with fresh.openai() as client:
        events = list(client.responses.create(model="breaks-error", input="x", stream=True))

    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "half of "


def langchain(gateway: Connected, model: str) -> ChatOpenAI:
    return ChatOpenAI(
        model=model,
        base_url=f"{gateway.url}/v1",
        api_key=SecretStr(KEY),
        max_retries=0,
        timeout=PATIENCE,
        use_responses_api=True,
    )


@everywhere
@pytest.mark.parametrize("streamed", [False, True])
def test_langchain_asks(gateway: Connected, upstream: ChatUpstream, streamed: bool) -> None:
    """Item 84."""
    asked = [SystemMessage("be brief"), HumanMessage(UNICODE)]
    client = langchain(gateway, "echo")

    said = functools.reduce(operator.add, client.stream(asked)) if streamed else client.invoke(asked)

    assert said.text == UNICODE
    assert said.usage_metadata is not None
    assert said.usage_metadata["output_tokens"] >= 1
    assert upstream.turns[0].conversation[0] == ("system", "be brief")


@everywhere
@pytest.mark.parametrize("streamed", [False, True])
def test_langchain_calls_tools(gateway: Connected, streamed: bool) -> None:
    """Item 84."""
    bound = langchain(gateway, "parallel-tools").bind_tools(TOOLS)

    called = functools.reduce(operator.add, bound.stream("x")) if streamed else bound.invoke("x")

    assert [(call["name"], call["args"]) for call in called.tool_calls] == [
        ("get_weather", CALLS[0]),
        ("get_time", CALLS[1]),
    ]
