"""`/api/…`: who may read it, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.gateways import AUTHORIZED, question
from tests.support.gateway import running

PATHS = ["/api/status", "/api/providers", "/api/credit", "/api/models", "/api/activity"]
TRIES = 200
CHAT = "/v1/chat/completions"
SECRETS = {"SPENT_KEYS": "sk-spent-credential-number-one,sk-spent-credential-number-two"}
DEMO = '[providers.demo]\nkind = "demo"\npace = 0.001\n'
PUBLIC = '[gateway]\npublic_url = "https://ai.example.com"\n'
REFUSING = """
[providers.spent]
kind = "openai"
base_url = "{url}/v1"
tokens = "secret://SPENT_KEYS"
models = ["never"]
[providers.unset]
kind = "openai"
base_url = "{url}/v1"
tokens = "secret://NOT_SET"
models = ["unreachable"]
"""


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """A gateway in front of the demo, and in front of a provider that refuses its tokens."""
    with (
        running(DEMO) as other,
        running(DEMO + REFUSING.format(url=other), SECRETS) as url,
        httpx.Client(base_url=url, headers=AUTHORIZED, trust_env=False) as client,
    ):
        yield client


def data(http: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = http.get(path)
    assert answer.status_code == 200
    return list(answer.json()["data"])


def asked(http: httpx.Client, model: str, prompt: str = "hello") -> httpx.Response:
    """A chat that the activity shows by now: it is noted once the answer is out."""
    answer = http.post(CHAT, json=question(model, prompt))
    entry_of(http, answer)
    return answer


def entry_of(http: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    for _ in range(TRIES):
        for entry in data(http, "/api/activity"):
            if entry["request_id"] == answer.headers["x-request-id"]:
                return entry
    raise AssertionError("the activity never showed it")


@pytest.mark.parametrize("path", PATHS)
def test_it_takes_a_key(http: httpx.Client, path: str) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        answer = http.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert answer.headers["www-authenticate"] == "Bearer"
    assert http.get(path).headers["cache-control"] == "no-store"


def test_status(http: httpx.Client) -> None:
    before = http.get("/api/status").json()
    asked(http, "demo/echo")
    status = http.get("/api/status").json()
    assert status["name"] == "any2api"
    assert (status["platform"], status["region"], status["url"]) == ("server", "", None)
    assert status["requests"] == before["requests"] + 1
    assert status["uptime_seconds"] >= before["uptime_seconds"] >= 0
    assert status["first_event_ms"] >= 0


def test_status_has_the_configured_address_whatever_a_request_says_of_itself() -> None:
    headers = {
        **AUTHORIZED,
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
    }
    with running(PUBLIC + DEMO) as url, httpx.Client(trust_env=False) as client:
        answer = client.get(f"{url}/api/status", headers=headers)
    assert answer.json()["url"] == "https://ai.example.com"
    assert "evil" not in answer.text


def test_activity_has_the_newest_first_and_no_words(http: httpx.Client) -> None:
    asked(http, "demo/echo", "a most private question")
    asked(http, "demo/fault-http-500")
    failed, answered = data(http, "/api/activity")[:2]
    assert (answered["model"], answered["provider"], answered["status"]) == ("demo/echo", "demo", 200)
    assert (answered["finish"], answered["error"], answered["caller"]) == ("stop", None, "key-1")
    assert answered["completion_tokens"] > 0
    assert answered["total_ms"] >= answered["first_event_ms"] >= 0
    assert failed["status"] == 502
    assert failed["error"] == "upstream_http_500"
    assert "private" not in http.get("/api/activity").text


def test_what_was_wrong_with_a_request_is_told_by_its_field(http: httpx.Client) -> None:
    answer = http.post(CHAT, json={**question("demo/echo"), "temperature": "hot"})
    assert answer.json()["error"]["code"] is None
    assert entry_of(http, answer)["error"] == "invalid temperature"


def test_who_has_no_key_and_who_only_looks_leave_no_trace(http: httpx.Client) -> None:
    before = data(http, "/api/activity")
    http.post(CHAT, json=question("demo/echo"), headers={"Authorization": "Bearer wrong"})
    http.get("/v1/models")
    assert data(http, "/api/activity") == before


def test_a_key_in_the_place_of_a_model_is_not_shown(http: httpx.Client) -> None:
    key = AUTHORIZED["Authorization"].removeprefix("Bearer ")
    asked(http, key)
    assert key not in http.get("/api/activity").text


def test_a_token_that_was_refused_says_so_without_its_value(http: httpx.Client) -> None:
    assert asked(http, "never").status_code == 503
    providers = {provider["name"]: provider for provider in data(http, "/api/providers")}
    spent = providers["spent"]
    assert [token["label"] for token in spent["tokens"]] == ["spent-1", "spent-2"]
    for token in spent["tokens"]:
        assert (token["state"], token["reason"]) == ("disabled", "upstream_credentials_unavailable")
        assert token["until"] > 1_700_000_000
    assert providers["demo"]["tokens"] == [
        {"label": "anonymous", "state": "ready", "until": None, "reason": None, "models": []}
    ]
    assert providers["unset"]["problem"] == "The secret NOT_SET is not set."
    assert "sk-spent" not in http.get("/api/providers").text


def test_models_tell_who_calls_their_tools() -> None:
    settings = """
        [providers.demo]
        kind = "demo"
        pace = 0.001
        emulate_tools = ["demo/st*"]
        [providers.words]
        kind = "gptanon"
        models = ["emulated"]
        [providers.silent]
        kind = "gptanon"
        models = ["never"]
        emulate_tools = false
    """
    with running(settings) as url, httpx.Client(base_url=url, headers=AUTHORIZED, trust_env=False) as client:
        tools = {model["id"]: model["tools"] for model in data(client, "/api/models")}
    assert (tools["demo/echo"], tools["demo/story"], tools["demo/picture"]) == ("native", "emulated", None)
    assert (tools["emulated"], tools["never"]) == ("emulated", None)


def test_models_tell_what_they_can_do(http: httpx.Client) -> None:
    models = {model["id"]: model for model in data(http, "/api/models")}
    assert set(models) == {model["id"] for model in data(http, "/v1/models")}
    echo, fault = models["demo/echo"], models["demo/fault-http-429"]
    assert (echo["provider"], echo["kind"], echo["tools"], echo["images"]) == ("demo", "chat", "native", True)
    picture = models["demo/picture"]
    assert (picture["kind"], picture["tools"], picture["images"]) == ("image", None, False), "chats have them"
    assert echo["description"] == "repeats the last user message word by word"
    assert "→" in fault["description"]
