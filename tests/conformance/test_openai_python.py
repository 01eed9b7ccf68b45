"""The official Python client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai import APIError, AsyncOpenAI, OpenAI, RateLimitError
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.chat.chat_completion_chunk import Choice
from pydantic import BaseModel

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere, with_an_end
from tests.conformance.samples import TOOLS, UNICODE
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE
from tests.support.models import CALLS, REFUSAL, THOUGHT


class City(BaseModel):
    name: str
    people: int


def asking(prompt: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": prompt}]


def tools() -> list[ChatCompletionToolParam]:
    return [*TOOLS]


@pytest.fixture
def client(gateway: Connected) -> Any:
    with gateway.openai() as client:
        yield client


@everywhere
def test_create(client: OpenAI) -> None:
    """Item 68."""
    completion = client.chat.completions.create(model="echo", messages=asking(UNICODE))

    assert completion.choices[0].message.content == UNICODE
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert completion._request_id is not None


@everywhere
def test_create_streamed(client: OpenAI) -> None:
    """Item 69."""
    options: Any = {"stream_options": {"include_usage": True}}
    chunks = list(client.chat.completions.create(model="echo", messages=asking(UNICODE), stream=True, **options))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == UNICODE
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


@everywhere
def test_the_stream_helper_accumulates_a_completion(client: OpenAI) -> None:
    """Item 70."""
    with client.chat.completions.stream(model="echo", messages=asking(UNICODE)) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()

    assert final.choices[0].message.content == UNICODE
    assert final.choices[0].finish_reason == "stop"
    assert kinds.count("content.done") == 1


@everywhere
def test_the_stream_helper_accumulates_two_tool_calls(client: OpenAI) -> None:
    """Item 71."""
    with client.chat.completions.stream(model="parallel-tools", messages=asking("x"), tools=tools()) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        calls = stream.get_final_completion().choices[0].message.tool_calls

    assert [(event.name, event.index) for event in done] == [("get_weather", 0), ("get_time", 1)]
    assert calls is not None
    assert [json.loads(call.function.arguments) for call in calls] == list(CALLS)
    assert [call.function.parsed_arguments for call in calls] == list(CALLS)


def test_the_stream_helper_accumulates_a_refusal(client: OpenAI) -> None:
    """Item 67."""
    with client.chat.completions.stream(model="refusal", messages=asking("x")) as stream:
        final = stream.get_final_completion()

    assert final.choices[0].message.refusal == REFUSAL


@everywhere
def test_parse_gives_an_object(client: OpenAI) -> None:
    """Item 72."""
    completion = client.chat.completions.parse(
        model="echo", messages=asking('{"name": "Åbo", "people": 200000}'), response_format=City
    )

    assert completion.choices[0].message.parsed == City(name="Åbo", people=200000)


def test_the_schema_of_the_object_reaches_the_upstream(client: OpenAI, upstream: ChatUpstream) -> None:
    """Item 72."""
    client.chat.completions.parse(model="echo", messages=asking('{"name": "", "people": 0}'), response_format=City)

    asked = upstream.bodies[0]["response_format"]
    assert (asked["type"], asked["json_schema"]["name"], asked["json_schema"]["strict"]) == (
        "json_schema",
        "City",
        True,
    )
    assert set(asked["json_schema"]["schema"]["properties"]) == {"name", "people"}


@everywhere
def test_the_stream_helper_parses_as_well(client: OpenAI) -> None:
    """Item 72, streamed."""
    asked = asking('{"name": "Åbo", "people": 200000}')
    with client.chat.completions.stream(model="echo", messages=asked, response_format=City) as stream:
        final = stream.get_final_completion()

    assert final.choices[0].message.parsed == City(name="Åbo", people=200000)


@everywhere
async def test_eight_streams_at_once_over_one_client(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 73: all eight have begun before any may end, and none gets another's words."""

    async def stream(number: int) -> str:
        answer = await client.chat.completions.create(model="gated", messages=asking(f"n{number}"), stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])

    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE) as client:
        streams = [asyncio.create_task(stream(number)) for number in range(8)]
        await asyncio.to_thread(upstream.wait, lambda up: up.open == 8)
        upstream.open_gate()
        texts = await asyncio.gather(*streams)

    assert texts == [f"n{number} and the rest" for number in range(8)]


@everywhere
def test_a_stream_that_is_left_early_does_no_harm(client: OpenAI, upstream: ChatUpstream) -> None:
    """Item 79."""
    with client.chat.completions.create(model="gated", messages=asking("x"), stream=True) as stream:
        next(iter(stream))

    upstream.wait(lambda up: up.left == ["gated"])
    assert client.chat.completions.create(model="echo", messages=asking("next")).choices[0].message.content == "next"


@everywhere
async def test_an_awaited_answer_can_be_cancelled(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 79, for a whole answer."""
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE) as client:
        asked = asyncio.create_task(client.chat.completions.create(model="gated", messages=asking("x")))
        await asyncio.to_thread(upstream.wait, lambda up: up.open == 1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    await asyncio.to_thread(upstream.wait, lambda up: up.left == ["gated"])


@everywhere
def test_reasoning_is_found_where_clients_look_for_it(client: OpenAI) -> None:
    message = client.chat.completions.create(model="reasoning", messages=asking("the answer")).choices[0].message

    assert (message.content, (message.model_extra or {})["reasoning_content"]) == ("the answer", THOUGHT)


@everywhere
@pytest.mark.parametrize("model", ["recovers-429", "recovers-503"])
def test_one_failure_of_the_upstream_is_got_over(fresh: Connected, model: str) -> None:
    """Item 144: by the gateway's second attempt or by the client's own."""
    with fresh.openai(max_retries=2) as client:
        completion = client.chat.completions.create(model=model, messages=asking("again"))

    assert completion.choices[0].message.content == "again"


@everywhere
def test_a_rate_limit_says_how_long_to_wait(fresh: Connected) -> None:
    """Item 143."""
    with fresh.openai() as client, pytest.raises(RateLimitError) as limited:
        client.chat.completions.create(model="fails-429", messages=asking("x"))

    assert limited.value.response.headers["retry-after"] == "17"
    assert limited.value.code == "rate_limited"


@everywhere
@pytest.mark.parametrize("model", ["breaks-error", "breaks-close", "breaks-reset"])
def test_a_broken_stream_raises(fresh: Connected, model: str) -> None:
    """Item 145: what came before is there, and then it is an error, not an end."""
    check_broken_stream(fresh, model)


@with_an_end
def test_a_stream_without_its_end_raises(fresh: Connected) -> None:
    """Item 145."""
    check_broken_stream(fresh, "breaks-end")


def check_broken_stream(fresh: Connected, model: str) -> None:
    heard: list[Choice] = []
    with fresh.openai() as client:
        stream = client.chat.completions.create(model=model, messages=asking("x"), stream=True)
        with pytest.raises(APIError) as broken:
            heard.extend(chunk.choices[0] for chunk in stream)

    assert "".join(choice.delta.content or "" for choice in heard) == "half of "
    assert [choice.finish_reason for choice in heard] == [None] * len(heard)
    assert broken.value.code in {"upstream_stream_error", "upstream_truncated", "upstream_http_500"}
