"""The gateway that is made at the first request, and stays closed where its settings are wrong or its key is weak."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from core.api.shared.state import remaining_of, room_of
from handlers import public
from handlers.public import PublicApp

KEY = "a-key-that-only-tests-present-0123456789"


@pytest.fixture(autouse=True)
def restored_log() -> Iterator[None]:
    log = logging.getLogger("any2api")
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    yield
    log.handlers[:], log.level, log.propagate = handlers, level, propagate


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> None:
    """No `any2api.toml` lies where the tests run."""
    monkeypatch.chdir(tmp_path)


async def get(app: PublicApp, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        return await client.get(path, headers=headers)


async def test_nothing_is_made_before_the_first_request(tmp_path, monkeypatch):
    (tmp_path / "any2api.toml").write_text("[providers.up]\nkind = 'openai'\nmodels = ['one']\n")
    made = []
    create = public.create_app
    monkeypatch.setattr(public, "create_app", lambda *args, **options: made.append(1) or create(*args, **options))
    app = PublicApp(300.0, environment={"API_MASTER_KEY": KEY})
    await app({"type": "lifespan"}, None, None)  # type: ignore[arg-type]  # it is not to be listened to
    assert made == []
    for _ in range(2):
        assert (await get(app, "/v1/models", authorization=f"Bearer {KEY}")).status_code == 200
    assert made == [1]


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "No key is configured: set API_MASTER_KEY."),
        (
            {"API_MASTER_KEY": "sk-1234"},
            "A key in API_MASTER_KEY can be guessed: set it to a random text of 24 or more",
        ),
        ({"API_MASTER_KEY": KEY, "ANY2API_CONFIG": "gone.toml"}, "gone.toml: cannot be read"),
        ({"API_MASTER_KEY": KEY, "ANY2API_CONFIG": "wrong.toml"}, "wrong.toml:3: providers.x.kind: there is no 'typo'"),
        ({"API_MASTER_KEY": KEY, "SECRETS_URL": "typo://"}, "environment: SECRETS_URL: there is no 'typo'"),
        ({"API_MASTER_KEY": KEY, "ANY2API_TIME_LIMIT": "5m"}, "environment: ANY2API_TIME_LIMIT: must be a number of"),
        ({"API_MASTER_KEY": KEY, "ANY2API_TIME_LIMIT": "-1"}, "environment: ANY2API_TIME_LIMIT: must be a number of"),
    ],
)
async def test_what_is_wrong_is_one_log_line_and_a_503_to_everybody(tmp_path, capsys, environment, told):
    (tmp_path / "wrong.toml").write_text("# wrong\n[providers.x]\nkind = 'typo'\n")
    app = PublicApp(300.0, environment=environment)
    for key in (KEY, "sk-1234", "wrong"):
        answer = await get(app, "/v1/models", authorization=f"Bearer {key}")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "configuration_unavailable"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-request-id"].startswith("req_")
    errors = [line for line in capsys.readouterr().err.splitlines() if '"level": "error"' in line]
    assert len(errors) == 1
    assert told in errors[0]


async def test_with_wrong_settings_nothing_answers_and_nothing_is_told(tmp_path):
    (tmp_path / "any2api.toml").write_text("[gateway]\nkeys = 'sk-canary-0123456789abcdef'\n")
    app = PublicApp(300.0, environment={})
    for path in ("/", "/healthz", "/v1/models", "/nothing/here"):
        answer = await get(app, path)
        assert answer.status_code == 503
        assert answer.json()["error"]["message"] == "The settings of this gateway are wrong; its log says where."


async def granted(app: PublicApp) -> tuple[Any, Any]:
    """The seconds and bytes that a request is told to have."""
    told: list[tuple[Any, Any]] = []

    async def spy(scope: Scope, receive: Receive, send: Send) -> None:
        told.append((remaining_of(scope), room_of(scope)))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(public, "create_app", lambda *args, **options: spy)
        await get(app, "/")
    (only,) = told
    return only


async def test_each_request_knows_what_the_platform_grants_it():
    assert await granted(PublicApp(300.0, 1000, environment={})) == (300.0, 1000)
    assert await granted(PublicApp(300.0, environment={"ANY2API_TIME_LIMIT": "800"})) == (800.0, float("inf"))
    assert await granted(PublicApp(300.0, environment={"ANY2API_TIME_LIMIT": ""})) == (300.0, float("inf"))


async def test_a_websocket_finds_nobody():
    async def nobody(*_: Any) -> AsyncIterator[None]:
        raise AssertionError("there is nothing to say")

    assert await PublicApp(300.0, environment={})({"type": "websocket"}, nobody, nobody) is None  # type: ignore[func-returns-value,arg-type]  # it says nothing
