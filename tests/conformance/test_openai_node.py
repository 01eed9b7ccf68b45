"""The official JavaScript client, driven by `tests/node/openai.mjs`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conformance.gateways import Connected
from tests.conformance.node import Node
from tests.conformance.samples import UNICODE
from tests.support.models import CALLS
from tests.support.openai_upstream import OpenAIUpstream

Play = Callable[..., Any]


@pytest.fixture
def play(node: Node, gateway: Connected) -> Play:
    """What a scenario finds out."""
    return partial(node.run, gateway, "openai")


def test_models(play: Play) -> None:
    """Item 80."""
    assert play("models") == {"listed": True, "retrieved": "vendor/echo"}


def test_create(play: Play) -> None:
    """Item 80."""
    found = play("create", UNICODE)

    assert found["content"] == UNICODE
    assert found["total"] >= 2
    assert found["id"].startswith("req_")


def test_create_streamed(play: Play) -> None:
    """Item 80."""
    assert play("stream", "one two three") == {"content": "one two three", "total": 6}


def test_the_stream_helper_accumulates_two_tool_calls(play: Play) -> None:
    """Item 80."""
    assert play("streamHelper") == list(CALLS)


def test_parse_gives_an_object(play: Play) -> None:
    """Item 80."""
    assert play("parse", '{"name": "Åbo", "people": 200000}') == {"name": "Åbo", "people": 200000}


def test_run_tools_calls_them_and_goes_on(play: Play) -> None:
    """Item 80."""
    assert play("runTools") == {
        "content": "sunny in Paris",
        "roles": ["user", "assistant", "tool", "assistant"],
    }


def test_errors_are_of_their_class(play: Play) -> None:
    """Item 80."""
    assert play("errors") == ["invalid_api_key", "temperature", "model_not_found"]


def test_a_broken_stream_raises(node: Node, fresh: Connected) -> None:
    """Item 145."""
    assert node.run(fresh, "openai", "broken") == {"code": "upstream_stream_error", "said": "half of ", "ends": []}


def test_leaving_is_noticed_upstream_and_does_no_harm(play: Play, upstream: OpenAIUpstream) -> None:
    """Items 79 and 80."""
    assert play("abort") == "hello"
    upstream.wait(lambda up: up.left == ["gated", "gated"])


def test_one_failure_of_the_upstream_is_got_over(node: Node, fresh: Connected) -> None:
    """Item 144."""
    assert node.run(fresh, "openai", "retry", "again") == "again"


def test_responses(play: Play) -> None:
    """Item 80."""
    assert play("responses", UNICODE) == {
        "whole": UNICODE,
        "streamed": UNICODE,
        "kinds": ["reasoning", "message"],
        "calls": list(CALLS),
    }


def test_responses_parse(play: Play, upstream: OpenAIUpstream) -> None:
    """Item 80."""
    city = {"name": "Åbo", "people": 200000}

    assert play("responsesParse", json.dumps(city)) == city
    assert upstream.bodies[0]["response_format"]["json_schema"]["name"] == "city"
