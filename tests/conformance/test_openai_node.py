"""The official JavaScript client, driven by `tests/node/chat.mjs`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.gateways import Connected
from tests.conformance.samples import UNICODE
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE
from tests.support.openai_models import CALLS
from tests.support.openai_upstream import OpenAIUpstream

SCRIPTS = Path(__file__).parent.parent / "node"


def node(gateway: Connected, scenario: str, prompt: str = "hello") -> Any:
    """What a scenario found out."""
    environment = {"PATH": os.environ["PATH"], "BASE_URL": f"{gateway.url}/v1", "API_KEY": KEY, "PROMPT": prompt}
    run = subprocess.run(
        ["node", "chat.mjs", scenario],
        cwd=SCRIPTS,
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(autouse=True, scope="module")
def node_is_here() -> None:
    """Without node, or the client for it, there is nothing to prove; where all must be proved that is a failure."""
    if shutil.which("node") and (SCRIPTS / "node_modules" / "openai").is_dir():
        return
    missing = "needs node, and `npm ci` in tests/node"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def test_models(gateway: Connected) -> None:
    """Item 80."""
    assert node(gateway, "models") == {"listed": True, "retrieved": "vendor/echo"}


def test_create(gateway: Connected) -> None:
    """Item 80."""
    found = node(gateway, "create", UNICODE)

    assert found["content"] == UNICODE
    assert found["total"] >= 2
    assert found["id"].startswith("req_")


def test_create_streamed(gateway: Connected) -> None:
    """Item 80."""
    assert node(gateway, "stream", "one two three") == {"content": "one two three", "total": 6}


def test_the_stream_helper_accumulates_two_tool_calls(gateway: Connected) -> None:
    """Item 80."""
    assert node(gateway, "streamHelper") == list(CALLS)


def test_parse_gives_an_object(gateway: Connected) -> None:
    """Item 80."""
    assert node(gateway, "parse", '{"name": "Åbo", "people": 200000}') == {"name": "Åbo", "people": 200000}


def test_run_tools_calls_them_and_goes_on(gateway: Connected) -> None:
    """Item 80."""
    assert node(gateway, "runTools") == {
        "content": "sunny in Paris",
        "roles": ["user", "assistant", "tool", "assistant"],
    }


def test_errors_are_of_their_class(gateway: Connected) -> None:
    """Item 80."""
    assert node(gateway, "errors") == ["invalid_api_key", "temperature", "model_not_found"]


def test_a_broken_stream_raises(fresh: Connected) -> None:
    """Item 145."""
    assert node(fresh, "broken") == {"code": "upstream_stream_error", "said": "half of ", "ends": []}


def test_leaving_is_noticed_upstream_and_does_no_harm(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Items 79 and 80."""
    assert node(gateway, "abort") == "hello"
    upstream.wait(lambda up: up.left == ["gated", "gated"])


def test_one_failure_of_the_upstream_is_got_over(fresh: Connected) -> None:
    """Item 144."""
    assert node(fresh, "retry", "again") == "again"


def test_responses(gateway: Connected) -> None:
    """Item 80."""
    assert node(gateway, "responses", UNICODE) == {
        "whole": UNICODE,
        "streamed": UNICODE,
        "kinds": ["reasoning", "message"],
        "calls": list(CALLS),
    }


def test_responses_parse(gateway: Connected, upstream: OpenAIUpstream) -> None:
    """Item 80."""
    city = {"name": "Åbo", "people": 200000}

    assert node(gateway, "responsesParse", json.dumps(city)) == city
    assert upstream.bodies[0]["response_format"]["json_schema"]["name"] == "city"
