"""The official JavaScript client, driven by `tests/node/openai.mjs`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere
from tests.conformance.node import Node
from tests.conformance.samples import UNICODE
from tests.support.chat_upstream import ChatUpstream
from tests.support.models import CALLS, THOUGHT

Play = Callable[..., Any]


@pytest.fixture
def play(node: Node, gateway: Connected) -> Play:
    """What a scenario finds out."""
    return partial(node.run, gateway, "openai")


@everywhere
def test_models(play: Play) -> None:
    """Item 80."""
    assert play("models") == {"listed": True, "retrieved": "vendor/echo"}


@everywhere
def test_create(play: Play) -> None:
    """Item 80."""
    found = play("create", UNICODE)

    assert found["content"] == UNICODE
    assert found["total"] >= 2
    assert found["id"].startswith("req_")


@everywhere
def test_create_streamed(play: Play) -> None:
    """Item 80."""
    found = play("stream", "one two three")

    assert found["content"] == "one two three"
    assert found["total"] >= 2


@everywhere
def test_the_stream_helper_accumulates_two_tool_calls(play: Play) -> None:
    """Item 80."""
    assert play("streamHelper") == list(CALLS)


@everywhere
def test_parse_gives_an_object(play: Play) -> None:
    """Item 80."""
    assert play("parse", '{"name": "Åbo", "people": 200000}') == {"name": "Åbo", "people": 200000}


@everywhere
def test_run_tools_calls_them_and_goes_on(play: Play) -> None:
    """Item 80."""
    assert play("runTools") == {
        "content": "sunny in Paris",
        "roles": ["user", "assistant", "tool", "assistant"],
    }


@everywhere
def test_errors_are_of_their_class(play: Play) -> None:
    """Item 80."""
    assert play("errors") == ["invalid_api_key", "temperature", "model_not_found"]


@everywhere
def test_a_broken_stream_raises(node: Node, fresh: Connected) -> None:
    """Item 145."""
    found = node.run(fresh, "openai", "broken")

    assert found["code"] in {"upstream_stream_error", "upstream_http_500"}
    assert (found["said"], found["ends"]) == ("half of ", [])


@everywhere
def test_leaving_is_noticed_upstream_and_does_no_harm(play: Play, upstream: ChatUpstream) -> None:
    """Items 79 and 80."""
    assert play("abort") == "hello"
    upstream.wait(lambda up: up.left == ["gated", "gated"])


@everywhere
def test_one_failure_of_the_upstream_is_got_over(node: Node, fresh: Connected) -> None:
    """Item 144."""
    assert node.run(fresh, "openai", "retry", "again") == "again"


@everywhere
def test_responses(play: Play) -> None:
    """Item 80."""
    assert play("responses", UNICODE) == [UNICODE, UNICODE]


@everywhere
def test_reasoning_in_responses(play: Play) -> None:
    """Item 80."""
    assert play("responsesReasoning", "the answer") == [["reasoning", THOUGHT], ["message", "the answer"]]


@everywhere
def test_tool_calls_in_responses(play: Play) -> None:
    """Item 80."""
    assert play("responsesTools") == list(CALLS)


@everywhere
def test_responses_parse(play: Play) -> None:
    """Item 80."""
    city = {"name": "Åbo", "people": 200000}

    assert play("responsesParse", json.dumps(city)) == city


def test_the_schema_of_the_object_reaches_the_upstream(play: Play, upstream: ChatUpstream) -> None:
    """Item 80."""
    play("responsesParse", '{"name": "", "people": 0}')

    assert upstream.bodies[0]["response_format"]["json_schema"]["name"] == "city"
