"""LangChain's client for OpenAI."""

from __future__ import annotations

import functools
import operator

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere
from tests.conformance.samples import TOOLS, UNICODE
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE
from tests.support.models import CALLS


def langchain(gateway: Connected, model: str, *, stream_usage: bool | None = None) -> ChatOpenAI:
    return ChatOpenAI(
        model=model,
        base_url=f"{gateway.url}/v1",
        api_key=SecretStr(KEY),
        max_retries=0,
        timeout=PATIENCE,
        stream_usage=stream_usage,
    )


@everywhere
def test_invoke_with_a_system_message(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 81."""
    answer = langchain(gateway, "echo").invoke([SystemMessage("be brief"), HumanMessage(UNICODE)])

    assert answer.content == UNICODE
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] >= 2
    assert upstream.turns[0].conversation[0] == ("system", "be brief")


@everywhere
def test_stream_with_usage_merges_to_the_answer(gateway: Connected) -> None:
    """Item 82: the usage is counted once."""
    chunks = list(langchain(gateway, "echo", stream_usage=True).stream("one two three"))

    whole = functools.reduce(operator.add, chunks)
    assert whole.content == "one two three"
    once = gateway.chat("echo", "one two three").json()["usage"]
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["total_tokens"] == once["total_tokens"]


@everywhere
@pytest.mark.parametrize("streamed", [False, True])
def test_bound_tools_are_called(gateway: Connected, streamed: bool) -> None:
    """Item 83."""
    bound = langchain(gateway, "parallel-tools").bind_tools(TOOLS)

    answer = functools.reduce(operator.add, bound.stream("x")) if streamed else bound.invoke("x")

    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [
        ("get_weather", CALLS[0]),
        ("get_time", CALLS[1]),
    ]
