"""Anthropic's own Python client, and LangChain's over it."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic, APIStatusError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError
from anthropic.types import MessageParam, ToolParam, ToolUseBlock
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import SecretStr

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere, with_an_end
from tests.conformance.samples import TOOLS, UNICODE, WEATHER
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE
from tests.support.models import CALLS, THOUGHT

NAMES = ("get_weather", "get_time")


def asking(prompt: str) -> list[MessageParam]:
    return [{"role": "user", "content": prompt}]


def tools() -> list[ToolParam]:
    return [{"name": name, "input_schema": WEATHER["function"]["parameters"]} for name in NAMES]


def anthropic(gateway: Connected, **options: Any) -> Anthropic:
    return Anthropic(base_url=gateway.url, **{"api_key": KEY, "max_retries": 0, "timeout": PATIENCE, **options})


@pytest.fixture
def client(gateway: Connected) -> Iterator[Anthropic]:
    with anthropic(gateway) as client:
        yield client


@everywhere
def test_create(client: Anthropic) -> None:
    """Item 106."""
    message = client.messages.create(model="echo", max_tokens=500, messages=asking(UNICODE), system="be brief")

    assert [block.text for block in message.content if block.type == "text"] == [UNICODE]
    assert message._request_id is not None
    assert message._request_id.startswith("req_")


@everywhere
def test_the_beta_client(client: Anthropic) -> None:
    """Item 102: it puts ?beta=true behind the path."""
    message = client.beta.messages.create(
        model="echo", max_tokens=500, messages=[{"role": "user", "content": "x"}], betas=["some-beta-2026-01-01"]
    )

    assert message.stop_reason == "end_turn"


@everywhere
def test_the_stream_helper_gives_text_and_the_final_message(client: Anthropic) -> None:
    """Items 107 and 108."""
    with client.messages.stream(model="echo", max_tokens=500, messages=asking(UNICODE)) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text == UNICODE
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens >= 1


@everywhere
def test_the_stream_helper_gives_two_whole_calls(client: Anthropic) -> None:
    """Item 105."""
    with client.messages.stream(model="parallel-tools", max_tokens=500, messages=asking("x"), tools=tools()) as stream:
        stopped = [event.index for event in stream if event.type == "content_block_stop"]
        final = stream.get_final_message()

    assert stopped == [0, 1]
    assert [(block.name, block.input) for block in final.content if isinstance(block, ToolUseBlock)] == [
        ("get_weather", CALLS[0]),
        ("get_time", CALLS[1]),
    ]


@everywhere
def test_a_round_of_tools(client: Anthropic, upstream: ChatUpstream) -> None:
    """Item 104: what the client kept of the answer goes back as it is."""
    first = client.messages.create(model="tools", max_tokens=500, messages=asking("x"), tools=tools())
    [call] = first.content
    assert isinstance(call, ToolUseBlock)
    messages: list[MessageParam] = [
        *asking("x"),
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]},
    ]

    second = client.messages.create(model="tools", max_tokens=500, messages=messages, tools=tools())

    assert [block.text for block in second.content if block.type == "text"] == ["sunny"]
    assert upstream.turns[1].has_result


@everywhere
def test_thinking(client: Anthropic) -> None:
    with client.messages.stream(
        model="reasoning",
        max_tokens=2048,
        messages=asking("the answer"),
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        final = stream.get_final_message()

    thinking, text = final.content
    assert (thinking.type, text.type) == ("thinking", "text")
    assert (thinking.thinking, text.text) == (THOUGHT, "the answer")  # type: ignore[union-attr]  # just seen


@everywhere
def test_count_tokens(client: Anthropic) -> None:
    """Item 113."""
    assert client.messages.count_tokens(model="echo", messages=asking("hello"), tools=tools()).input_tokens > 10


@everywhere
def test_errors_are_of_the_right_class(gateway: Connected, client: Anthropic) -> None:
    """Items 11, 111 and 112."""
    with anthropic(gateway, api_key="wrong") as wrong, pytest.raises(AuthenticationError):
        wrong.messages.create(model="echo", max_tokens=9, messages=asking("x"))
    with pytest.raises(BadRequestError) as bad:
        client.messages.create(model="echo", max_tokens=0, messages=asking("x"))
    with pytest.raises(NotFoundError):
        client.messages.create(model="unheard-of", max_tokens=9, messages=asking("x"), stream=True)

    assert bad.value.request_id == bad.value.response.headers["request-id"]


@everywhere
def test_a_rate_limit_says_how_long_to_wait(fresh: Connected) -> None:
    """Item 143."""
    with anthropic(fresh) as client, pytest.raises(RateLimitError) as limited:
        client.messages.create(model="fails-429", max_tokens=9, messages=asking("x"))

    assert limited.value.response.headers["retry-after"] == "17"


@everywhere
@pytest.mark.parametrize("model", ["breaks-error", "breaks-close", "breaks-reset"])
def test_a_broken_stream_raises(fresh: Connected, model: str) -> None:
    """Item 148: what came before is there, and then it is an error, not an end."""
    check_broken_stream(fresh, model)


@with_an_end
def test_a_stream_without_its_end_raises(fresh: Connected) -> None:
    """Item 148."""
    check_broken_stream(fresh, "breaks-end")


def check_broken_stream(fresh: Connected, model: str) -> None:
    heard: list[str] = []
    with (
        anthropic(fresh) as client,
        pytest.raises(APIStatusError, match="api_error"),
        client.messages.stream(model=model, max_tokens=9, messages=asking("x")) as stream,
    ):
        heard.extend(stream.text_stream)

    assert "".join(heard) == "half of "


def langchain(gateway: Connected, model: str) -> ChatAnthropic:
    options: Any = {"model": model, "base_url": gateway.url, "timeout": PATIENCE}
    return ChatAnthropic(api_key=SecretStr(KEY), max_retries=0, **options)


@everywhere
@pytest.mark.parametrize("streamed", [False, True])
def test_langchain_asks(gateway: Connected, upstream: ChatUpstream, streamed: bool) -> None:
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
    bound = langchain(gateway, "parallel-tools").bind_tools(TOOLS)

    called = functools.reduce(operator.add, bound.stream("x")) if streamed else bound.invoke("x")

    assert [(call["name"], call["args"]) for call in called.tool_calls] == [
        ("get_weather", CALLS[0]),
        ("get_time", CALLS[1]),
    ]
