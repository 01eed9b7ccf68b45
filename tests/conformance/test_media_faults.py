"""What goes wrong with vectors, pictures, sounds and films, before the answer and in the middle of it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from openai import APIConnectionError

from tests.conformance.gateways import AUTHORIZED, Connected, connected
from tests.conformance.schema import check
from tests.conformance.test_disconnects import logged
from tests.support.caller import call
from tests.support.chat_upstream import Behaviour
from tests.support.loops import PATIENCE
from tests.support.models import fails
from tests.support.openai_models import ALL
from tests.support.openai_upstream import OpenAIUpstream, Turn, openai_upstream

__all__ = ["logged"]


async def hums(turn: Turn) -> None:
    """Sound without an end, at the gate after the first of it."""
    await turn.wire.head(200, content_type="audio/mpeg")
    await turn.wire.chunk(b"ID3 hm")
    await turn.gate()
    await turn.wire.chunk(b"mm")
    await turn.wire.finish()


async def breaks(turn: Turn, how: str) -> None:
    """Sound that stops in the middle."""
    await turn.wire.head(200, content_type="audio/mpeg")
    await turn.wire.chunk(b"ID3 hm")
    turn.wire.reset() if how == "reset" else turn.wire.close()


async def endless(turn: Turn) -> None:
    await turn.wire.head(200, content_type="audio/mpeg")
    while True:
        await turn.wire.chunk(b"m" * 65536)


MODELS: Mapping[str, Behaviour] = {
    "hums": hums,
    "endless": endless,
    "closes": partial(breaks, how="close"),
    "resets": partial(breaks, how="reset"),
    "silent": ALL["silent"],
    "empty": partial(fails, status=200, error="", content_type="audio/mpeg"),
    **{name: ALL[name] for name in ("fails-400", "fails-401", "fails-429", "fails-500", "fails-html", "leaky-401")},
}
SPEECH = "/v1/audio/speech"
REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "/v1/embeddings": {"input": "a"},
    "/v1/images/generations": {"prompt": "a"},
    SPEECH: {"input": "a", "voice": "alloy"},
}
every_path = pytest.mark.parametrize("path", REQUESTS)


@pytest.fixture(scope="module")
def fake_media() -> Iterator[OpenAIUpstream]:
    with openai_upstream(MODELS) as running:
        yield running


@pytest.fixture
def upstream(fake_media: OpenAIUpstream) -> OpenAIUpstream:
    fake_media.reset()
    return fake_media


@pytest.fixture
def gateway(upstream: OpenAIUpstream) -> Iterator[Connected]:
    with connected(upstream) as running:
        yield running


def asking(gateway: Connected, path: str, model: str) -> http.client.HTTPConnection:
    """A connection over which was asked, and whose answer nobody has read yet."""
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=PATIENCE)
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps({"model": model, **REQUESTS[path]}), headers)
    return connection


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("fails-400", 400, None),
        ("fails-401", 503, "upstream_credentials_unavailable"),
        ("fails-429", 429, None),
        ("fails-500", 502, None),
        ("fails-html", 502, None),
        ("empty", 502, "upstream_empty"),
    ],
)
@every_path
def test_before_the_answer_a_failure_is_a_status(
    gateway: Connected, path: str, model: str, status: int, code: str | None
) -> None:
    refused = gateway.http.post(path, json={"model": model, **REQUESTS[path]})

    check(refused.json(), "ErrorResponse")
    assert refused.status_code == status
    assert code is None or refused.json()["error"]["code"] == code
    assert (refused.headers.get("x-should-retry") == "false") == (path == "/v1/images/generations" and status == 502)
    assert ("retry-after" in refused.headers) == (status == 429)


@every_path
def test_no_failure_tells_the_upstreams_credential(gateway: Connected, path: str) -> None:
    refused = gateway.http.post(path, json={"model": "leaky-401", **REQUESTS[path]})

    assert "sk-upstream" not in refused.text + str(refused.headers)


@every_path
def test_the_upstream_sees_a_client_leave_that_waits(
    gateway: Connected, upstream: OpenAIUpstream, logged: list[dict[str, Any]], path: str
) -> None:
    """Item 139, for what is no chat."""
    before = gateway.served.tasks()
    with closing(asking(gateway, path, "silent")):
        upstream.wait(lambda up: up.open == 1)

    upstream.wait(lambda up: up.left == ["silent"])
    gateway.served.settle(before)
    assert [line["status"] for line in logged] == [499]


def test_sound_is_heard_while_it_is_made(gateway: Connected, upstream: OpenAIUpstream) -> None:
    with closing(asking(gateway, SPEECH, "hums")) as connection:
        answer = connection.getresponse()
        assert answer.read(6) == b"ID3 hm"
        upstream.open_gate()
        assert answer.read() == b"mm"


def test_the_upstream_sees_a_client_leave_that_listens(
    gateway: Connected, upstream: OpenAIUpstream, logged: list[dict[str, Any]], alarms: list[str]
) -> None:
    before = gateway.served.tasks()
    with closing(asking(gateway, SPEECH, "hums")) as connection:
        answer = connection.getresponse()
        assert answer.read(6) == b"ID3 hm"
        answer.close()

    upstream.wait(lambda up: up.left == ["hums"])
    gateway.served.settle(before)
    assert [line["status"] for line in logged] == [499]


def test_a_client_that_does_not_listen_is_taken_for_gone(
    upstream: OpenAIUpstream, logged: list[dict[str, Any]], alarms: list[str]
) -> None:
    with connected(upstream, "idle_timeout = 0.2") as impatient:
        before = impatient.served.tasks()
        with closing(asking(impatient, SPEECH, "endless")):
            upstream.wait(lambda up: up.left == ["endless"])
            impatient.served.settle(before)

    assert [line["status"] for line in logged] == [499]
    assert alarms.pop() == "ASGI callable returned without completing response."  # the server closes the connection


@pytest.mark.parametrize("model", ["closes", "resets"])
async def test_sound_that_breaks_off_does_not_end(
    gateway: Connected, upstream: OpenAIUpstream, logged: list[dict[str, Any]], alarms: list[str], model: str
) -> None:
    """Whatever a client makes of it, nobody can take half of the sound for the whole."""
    said = await call(gateway.url, {"model": model, **REQUESTS[SPEECH]}, path=SPEECH)

    assert (said.status, said.content) == (200, b"ID3 hm")
    assert not said.is_complete
    assert [line["error"] for line in logged] == ["upstream_truncated"]
    assert alarms.pop() == "ASGI callable returned without completing response."
    assert len(upstream.asked) == 1


def test_the_official_client_raises_where_sound_breaks_off(gateway: Connected, alarms: list[str]) -> None:
    with gateway.openai() as client, pytest.raises(APIConnectionError):
        client.audio.speech.create(model="closes", voice="alloy", input="a")
    assert alarms.pop() == "ASGI callable returned without completing response."
