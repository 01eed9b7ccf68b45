"""The front door: paths, preflights, ids, and the one log line."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from core.api.shared.front import Front, meant_path
from core.api.shared.hangup import CallerGone
from core.api.shared.state import record_of
from core.gateway.activity import Activity


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/v1/models", "/v1/models"),
        ("//v1///models//", "/v1/models"),
        ("/V1/CHAT/Completions/", "/v1/chat/completions"),
        ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/models", "/v1/models"),
        ("/chat/completions/completions", "/v1/completions"),
        ("/completions", "/v1/completions"),
        ("/V1/Models/Vendor/GPT-4o", "/v1/models/Vendor/GPT-4o"),
        ("/models/models/x", "/v1/models/models/x"),
        ("/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/messages/v1/messages", "/v1/messages"),
        ("/responses", "/v1/responses"),
        ("/v1/v1/responses/resp_A", "/v1/responses/resp_A"),
        ("/v1/responses/responses", "/v1/responses"),
        ("/v1/chat/completions/responses", "/v1/responses"),
        ("/embeddings", "/v1/embeddings"),
        ("/v1/v1/images/generations", "/v1/images/generations"),
        ("/V1/Audio/speech/", "/v1/audio/speech"),
        ("/videos/video_AbC/content", "/v1/videos/video_AbC/content"),
        ("/v1/chat/completions/embeddings", "/v1/embeddings"),
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/healthz/", "/healthz"),
        ("/v1", "/v1"),
        ("/v2/models", "/v2/models"),
        ("/v1/modelsx", "/v1/modelsx"),
        ("/V1/Unknown", "/V1/Unknown"),
        ("/v1/models/a\nb", "/v1/models/a\nb"),
    ],
)
def test_the_path_that_is_meant(written: str, meant: str) -> None:
    assert meant_path(written) == meant


class Heard(list[Message]):
    """What a door let out."""

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self[0]["headers"]}


async def enter(app: Any, *origins: str, method: str = "GET", path: str = "/x", **headers: str) -> Heard:
    heard = Heard()

    async def send(message: Message) -> None:
        heard.append(message)

    async def receive() -> Message:
        raise AssertionError

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    await Front(app, origins, lambda text: text.replace("CANARY", "…"), Activity())(scope, receive, send)
    return heard


async def ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("any2api"), "propagate", True)
    caplog.set_level(logging.INFO, "any2api")
    return caplog


async def test_every_answer_gets_an_id_and_one_log_line(log: pytest.LogCaptureFixture) -> None:
    heard = await enter(ok, "*", path="//v1/models")

    assert heard[0]["status"] == 200
    assert heard[1]["body"] == b"/v1/models"
    assert heard.headers["x-own"] == "1"
    assert heard.headers["x-request-id"] == heard.headers["request-id"]
    (line,) = log.records
    fields = vars(line)["fields"]
    assert (fields["request_id"], fields["status"], fields["path"]) == (
        heard.headers["x-request-id"],
        200,
        "//v1/models",
    )


async def test_a_preflight_never_reaches_the_app(log: pytest.LogCaptureFixture) -> None:
    heard = await enter(None, "*", method="OPTIONS", access_control_request_headers="authorization, x-own")

    assert (heard[0]["status"], heard[1]["body"]) == (204, b"")
    assert heard.headers["access-control-allow-headers"] == "authorization, x-own"
    assert heard.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-private-network" not in heard.headers
    assert len(log.records) == 1


@pytest.mark.parametrize("asked", ["a\x00b", "ä", "x" * 2049, "a:b", "a\r\nb: c"])
async def test_names_that_are_none_are_not_repeated(asked: str) -> None:
    heard = await enter(None, "*", method="OPTIONS", access_control_request_headers=asked)

    assert "access-control-allow-headers" not in heard.headers


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (["*"], "https://a.example", "*"),
        (["https://a.example"], "https://a.example", "https://a.example"),
        (["https://a.example"], "https://b.example", None),
        (["https://a.example"], "", None),
        ([], "https://a.example", None),
        (["null"], "null", "null"),
    ],
)
async def test_which_pages_may_read(origins: list[str], origin: str, allowed: str | None) -> None:
    headers = (await enter(ok, *origins, origin=origin)).headers

    assert headers.get("access-control-allow-origin") == allowed
    assert ("access-control-expose-headers" in headers) == (allowed is not None)
    assert headers.get("vary") == (None if allowed == "*" else "Origin")


async def test_a_caller_who_left_is_no_failure(log: pytest.LogCaptureFixture) -> None:
    async def leaves(scope: Scope, receive: Receive, send: Send) -> None:
        raise CallerGone

    assert await enter(leaves, "*") == []
    (line,) = log.records
    assert (vars(line)["fields"]["status"], line.levelno) == (499, logging.INFO)


async def test_a_bug_is_logged_once_without_secrets(log: pytest.LogCaptureFixture) -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        record_of(scope).model = "CANARY"
        raise ValueError("CANARY")

    await enter(breaks, "*", path="/CANARY")

    failure, line = log.records
    assert failure.levelno == logging.ERROR
    assert "ValueError: …" in vars(failure)["trace"]
    assert (vars(line)["fields"]["path"], vars(line)["fields"]["model"]) == ("/…", "…")


async def test_what_is_no_http_passes_untouched() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope = {"type": "lifespan"}
    await Front(app, ["*"], str, Activity())(scope, None, None)  # type: ignore[arg-type]  # nobody uses them

    assert seen == [{"type": "lifespan"}]
