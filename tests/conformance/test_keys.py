"""Who may come in, and what the others are told."""

from __future__ import annotations

import http.client
import json
from contextlib import closing

import httpx
import pytest
from openai import AuthenticationError, OpenAI

from tests.conformance.gateways import UPSTREAM_KEY, Connected, question
from tests.conformance.kinds import everywhere
from tests.conformance.schema import check
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE

ENDPOINTS = [("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("POST", "/v1/completions")]
REFUSED = {
    "missing": [],
    "wrong": [("Authorization", "Bearer wrong")],
    "empty": [("Authorization", "Bearer ")],
    "basic": [("Authorization", f"Basic {KEY}")],
    "bare": [("Authorization", KEY)],
    "too long": [("Authorization", f"Bearer {KEY}x")],
    "too short": [("Authorization", f"Bearer {KEY[:-1]}")],
    "other case": [("Authorization", f"Bearer {KEY.upper()}")],
    "not ASCII": [("Authorization", "Bearer clé-🔑")],
    "of the upstream": [("Authorization", "Bearer sk-upstream-credential-0123456789abcdef")],
    "two headers": [("Authorization", f"Bearer {KEY}"), ("Authorization", "Bearer wrong")],
    "in a cookie": [("Cookie", f"api_key={KEY}")],
}


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_every_key_but_the_right_one_gets_one_and_the_same_refusal(
    gateway: Connected, headers: list[tuple[str, str]], method: str, path: str
) -> None:
    """Item 6: before any look at the body, which is none here."""
    answer, body = _raw_request(gateway, method, path, headers)

    told = json.loads(body)
    check(told, "ErrorResponse")
    assert (answer.status, told["error"]) == (
        401,
        {
            "message": "Incorrect API key provided. Send it as `Authorization: Bearer KEY`.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        },
    )
    assert answer.headers["www-authenticate"] == "Bearer"


def _raw_request(
    gateway: Connected, method: str, path: str, headers: list[tuple[str, str]]
) -> tuple[http.client.HTTPResponse, bytes]:
    """A request whose headers are sent as they stand here, also those that a good client would refuse to send."""
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value.encode())
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read()


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr"])
def test_the_scheme_is_case_insensitive(gateway: Connected, scheme: str) -> None:
    """Item 7."""
    answer = gateway.http.get("/v1/models", headers={"Authorization": f"{scheme} {KEY}"})

    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["x-api-key", "api-key"])
def test_a_key_may_come_under_other_names(gateway: Connected, header: str) -> None:
    answer = httpx.get(f"{gateway.url}/v1/models", headers={header: KEY}, trust_env=False)

    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"x" * 5_000_000])
def test_nobody_without_a_key_learns_what_is_wrong_with_the_body(gateway: Connected, body: bytes) -> None:
    """Item 8."""
    answer = httpx.post(f"{gateway.url}/v1/chat/completions", content=body, trust_env=False)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("name", ["key", "api_key", "access_token"])
def test_a_key_in_the_url_is_refused_with_a_hint(gateway: Connected, name: str) -> None:
    answer = httpx.get(f"{gateway.url}/v1/models?{name}={KEY}", trust_env=False)

    assert answer.status_code == 401
    assert "does not belong in a URL" in answer.json()["error"]["message"]
    assert KEY not in answer.text


@everywhere
def test_the_callers_key_never_goes_upstream(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 34."""
    gateway.http.post("/v1/chat/completions", json=question("echo"), headers={"x-api-key": KEY, "Cookie": f"k={KEY}"})

    (seen,) = upstream.asked
    assert UPSTREAM_KEY in str(seen.headers)
    assert KEY not in str(seen)


def test_the_official_client_raises_authentication_error(gateway: Connected) -> None:
    """Item 12."""
    with (
        OpenAI(base_url=f"{gateway.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(AuthenticationError) as refused,
    ):
        client.models.list()

    assert refused.value.code == "invalid_api_key"
