"""Vercel's AI SDK, driven by `tests/node/aisdk.mjs`, through each package that such a gateway is called with."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere, with_pictures
from tests.conformance.node import Node
from tests.conformance.samples import PIXEL, UNICODE
from tests.support.chat_upstream import ChatUpstream
from tests.support.models import CALLS, THOUGHT

Play = Callable[..., Any]

CITY = {"name": "Åbo", "people": 200000}
FIRST, SECOND = (["get_weather", CALLS[0]], ["get_time", CALLS[1]])


@pytest.fixture(params=["compatible", "openai", "openai.chat", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    """`openai` is the SDK's default, which asks /v1/responses; `compatible` and `openai.chat` ask for chats."""
    return str(request.param)


@pytest.fixture
def play(node: Node, gateway: Connected, provider: str) -> Play:
    """What a scenario finds out."""
    return partial(node.run, gateway, "aisdk", provider=provider)


@pytest.fixture
def play_fresh(node: Node, fresh: Connected, provider: str) -> Play:
    """The same on a gateway that no other test sees."""
    return partial(node.run, fresh, "aisdk", provider=provider)


@everywhere
def test_generate_text(play: Play) -> None:
    told = play("whole", UNICODE)

    asked, answered, total = told["usage"]
    assert (told["text"], told["finishReason"]) == (UNICODE, "stop")
    assert min(asked, answered) >= 1
    assert total == asked + answered
    assert [warning["feature"] for warning in told["warnings"]] in ([], ["maxOutputTokens"])


@everywhere
def test_stream_text(play: Play) -> None:
    told = play("streamed", UNICODE)

    asked, answered, total = told["usage"]
    assert (told["text"], told["finishReason"]) == (UNICODE, "stop")
    assert min(asked, answered) >= 1
    assert total == asked + answered
    assert [kind for kind in told["kinds"] if kind.startswith("text-")] == ["text-start", "text-delta", "text-end"]
    assert told["kinds"][-2:] == ["finish-step", "finish"]


@everywhere
def test_reasoning_stands_apart(play: Play, provider: str) -> None:
    """OpenAI's own chats have no place for it, so that the SDK does not look for one."""
    told = play("reasoning", "the answer")

    shown = provider != "openai.chat"
    thought = ["reasoning-start", "reasoning-delta", "reasoning-end"] if shown else []
    assert told["thoughts"] == [THOUGHT if shown else None] * 2
    assert told["texts"] == ["the answer"] * 2
    assert told["kinds"] == [*thought, "text-start", "text-delta", "text-end"]


@everywhere
def test_a_token_limit_is_told(play: Play) -> None:
    assert play("cut", "one two three four") == [["one two ", "length"]] * 2


@everywhere
def test_tools_are_called_in_several_steps(play: Play) -> None:
    told = play("tools")

    assert told["text"] == "sunny in Paris"
    assert told["steps"] == [
        {"calls": [FIRST], "results": ["sunny in Paris"], "finishReason": "tool-calls"},
        {"calls": [], "results": [], "finishReason": "stop"},
    ]


@everywhere
def test_two_tools_are_called_at_once_in_a_stream(play: Play) -> None:
    told = play("toolsStreamed")

    assert told["text"] == "sunny in Tōkyō"
    assert told["steps"] == [
        {"calls": [FIRST, SECOND], "results": ["sunny in Paris", "sunny in Tōkyō"], "finishReason": "tool-calls"},
        {"calls": [], "results": [], "finishReason": "stop"},
    ]


@everywhere
def test_objects_by_a_schema(play: Play) -> None:
    """`Output.object` and `generateObject`, whole and streamed."""
    assert play("objects", json.dumps(CITY)) == [CITY] * 4


@with_pictures
def test_a_picture_reaches_the_model(play: Play, upstream: ChatUpstream) -> None:
    assert play("picture", "what is it?", image=PIXEL) == "what is it?"
    assert upstream.turns[0].pictures == [PIXEL]


@everywhere
def test_refusals_have_their_status_whole_and_streamed(play_fresh: Play) -> None:
    """Its own retries depend on it: a wrong key or model is not tried again."""
    refusals = [[401, False], [404, False], [429, True], [502, True]]

    assert play_fresh("refused") == [[refusal] * 2 for refusal in refusals]


@everywhere
def test_a_broken_stream_is_an_error(play_fresh: Play) -> None:
    """Items 145, 147 and 148: what came before is there, and no reason to stop was invented."""
    assert play_fresh("broken") == {"text": "half of ", "errors": 1, "reasons": ["error"]}


@everywhere
def test_leaving_is_noticed_upstream_and_does_no_harm(play: Play, upstream: ChatUpstream) -> None:
    """Items 79 and 139."""
    assert play("abort") == {"last": "abort", "next": "hello"}
    upstream.wait(lambda up: up.left == ["gated"])


@everywhere
def test_one_failure_of_the_upstream_is_got_over(play_fresh: Play) -> None:
    """Item 144."""
    assert play_fresh("retry", "again") == "again"
