"""As whom Google is asked, and what becomes of its errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from ipaddress import ip_address

import pytest

from core.chat.errors import Unavailable
from core.wire import addresses
from core.wire.client import HttpClient
from core.wire.google import METADATA_HOST, AccessToken, GoogleApi, Refused
from core.wire.pool import Origin
from core.wire.transport import Transport
from tests.support.google import PROJECT, Google, google
from tests.support.road import Clock
from tests.support.upstream import Seen, Wire, upstream

SECRETS = f"/v1/projects/{PROJECT}/secrets?pageSize=1"


@pytest.fixture
async def project() -> AsyncIterator[Google]:
    async with google() as project:
        yield project


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with aclosing(HttpClient()) as client:
        yield client


async def test_one_token_is_enough_for_many_calls_at_once(project, http):
    api = GoogleApi("secretmanager", project.environment, http)
    await asyncio.gather(*(api.call("GET", SECRETS) for _ in range(5)))
    assert project.tokens == 1
    assert len(project.asked) == 5


async def test_a_token_is_replaced_a_minute_before_its_end(project):
    clock = Clock()
    project.lifetime = 600
    token = AccessToken(project.environment, clock)
    assert await token.value() == "ya29.token-1"
    clock.advance(539)
    assert await token.value() == "ya29.token-1"
    clock.advance(1)
    assert await token.value() == "ya29.token-2"


async def test_a_token_that_is_given_is_used_as_it_is(project, http):
    environment = {**project.environment, "CLOUDSDK_AUTH_ACCESS_TOKEN": "given"}
    with pytest.raises(Refused) as refused:
        await GoogleApi("secretmanager", environment, http).call("GET", SECRETS)
    assert project.asked[0].headers["authorization"] == "Bearer given"
    assert project.tokens == 0
    assert refused.value.message == (
        "Google's secretmanager refused: UNAUTHENTICATED; the access token has expired or is wrong, so sign in again."
    )


async def test_outside_of_google_it_says_what_to_run():
    async with upstream(nobody) as server:
        gone = server.url.removeprefix("http://")
    with pytest.raises(Unavailable) as told:
        await AccessToken({"GCE_METADATA_HOST": gone}).value()
    assert told.value.message == (
        "There are no Google credentials: outside of Google, sign in with `gcloud auth login`, "
        'or export CLOUDSDK_AUTH_ACCESS_TOKEN="$(gcloud auth print-access-token)"'
    )


async def nobody(_: Seen, __: Wire) -> None:
    raise AssertionError("nobody may ask")


@pytest.mark.parametrize(("status", "body"), [(404, "no such account"), (200, "{}"), (200, '{"access_token": "x"}')])
async def test_a_metadata_server_that_gives_no_token(status, body):
    async def refuse(_: Seen, wire: Wire) -> None:
        await wire.reply(status, body)

    async with upstream(refuse) as server:
        with pytest.raises(Unavailable, match=f"gave no access token, but HTTP {status}"):
            await AccessToken({"GCE_METADATA_HOST": server.url.removeprefix("http://")}).value()


async def test_only_the_question_for_a_token_may_reach_a_link_local_address(monkeypatch, http):
    """Neither the name nor the address of the metadata server is open to what providers and stores use."""
    reached: list[tuple[str, str]] = []

    async def look_up(host: str, port: int, resolver: object) -> Sequence[object]:
        return [ip_address("169.254.169.254")]

    async def connect(self: object, origin: Origin, address: object) -> None:
        reached.append((origin.host, str(address)))
        raise OSError("it ends here")

    monkeypatch.setattr(addresses, "_look_up", look_up)
    monkeypatch.setattr(Transport, "_open", connect)
    with pytest.raises(Unavailable):
        await AccessToken({}).value()
    environment = {"CLOUDSDK_AUTH_ACCESS_TOKEN": "x"}
    with pytest.raises(Unavailable, match=r"secretmanager does not answer at secretmanager\.googleapis\.com"):
        await GoogleApi("secretmanager", environment, http).call("GET", SECRETS)
    assert reached == [(METADATA_HOST, "169.254.169.254")]


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ((403, '{"error": {"status": "PERMISSION_DENIED", "message": "x"}}'), "refused: PERMISSION_DENIED; enable"),
        ((503, '{"error": {"message": "of owner@example.com"}}'), "refused: HTTP 503."),
        ((418, '{"error": "odd"}'), "refused: HTTP 418."),
        ((200, "[]"), "What answered with HTTP 200 is not Google's secretmanager."),
        ((502, "<html>"), "What answered with HTTP 502 is not Google's secretmanager."),
    ],
)
async def test_an_error_is_told_without_googles_own_words(project, http, failure, told):
    project.failure = failure
    with pytest.raises(Unavailable) as refused:
        await GoogleApi("secretmanager", project.environment, http).call("GET", SECRETS)
    assert told in refused.value.message
    assert "owner" not in refused.value.message
