"""Secrets in every place where one can stand, and none of them in anything that leaves."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from core import config
from core.api.shared.log import JsonLines, Words
from core.app import create_app
from tests.conformance.gateways import question
from tests.support.gateway import serving
from tests.support.loops import PATIENCE
from tests.support.openai_upstream import OpenAIUpstream

CALLER = "canary-caller-key-0123456789abcdef"
RETIRED = "canary-caller-two-fedcba9876543210"
UPSTREAM = "canary-upstream-token-0123456789ab"
SPARE = "canary-upstream-spare-ba9876543210"
HEADER = "canary-header-value-0123456789abcd"
STORE = "canary-state-password"
CANARIES = (CALLER, RETIRED, UPSTREAM, SPARE, HEADER, STORE)
ENVIRONMENT = {
    "API_MASTER_KEY": f"{CALLER},{RETIRED}",
    "UPSTREAM_KEYS": f"{UPSTREAM}\n{SPARE}",
    "EXTRA": HEADER,
    "STATE_URL": f"memory://user:{STORE}@host",
}
LEAKY = ["leaky-400", "leaky-401", "leaky-500", "leaky-200"]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that anybody logs, as machines and as people would read it."""
    text = io.StringIO()
    handlers = [logging.StreamHandler(text), logging.StreamHandler(text)]
    handlers[0].setFormatter(JsonLines())
    handlers[1].setFormatter(Words())
    for handler in handlers:
        handler.addFilter(lambda record: not record.name.startswith("http"))  # the test's own client
    loggers = [logging.getLogger(name) for name in (None, "any2api")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        for handler in handlers:
            logger.addHandler(handler)
    yield text
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
        for handler in handlers:
            logger.removeHandler(handler)


@pytest.fixture
def app(upstream: OpenAIUpstream, tmp_path: Path) -> ASGIApp:
    file = tmp_path / "any2api.toml"
    file.write_text(f"""
        [providers.up]
        kind = "openai"
        base_url = "{upstream.url}"
        tokens = "secret://UPSTREAM_KEYS"
        [providers.up.headers]
        X-Extra = "Token secret://EXTRA"
    """)
    return create_app(config.load(ENVIRONMENT, str(file)), environment=ENVIRONMENT)


def bytes_of(answer: httpx.Response) -> str:
    """All that an answer said, headers included."""
    return f"{answer.status_code} {answer.headers.raw!r} {answer.content!r}"


def test_an_upstream_that_tells_our_credentials_is_not_quoted(
    app: ASGIApp, upstream: OpenAIUpstream, logged: io.StringIO
) -> None:
    """FAULTS 37: in no field of an error, whole or streamed, and in no line of the log."""
    with serving(app) as served, httpx.Client(base_url=served.url, timeout=PATIENCE, trust_env=False) as http:
        http.headers["Authorization"] = f"Bearer {CALLER}"
        answers = [
            http.post(path, json={**question(model, stream=stream), "prompt": "x"})
            for model in LEAKY
            for stream in (False, True)
            for path in ("/v1/chat/completions", "/v1/completions")
        ]

    sent = "".join(str(seen.headers) for seen in upstream.asked)
    assert all(credential in sent for credential in (UPSTREAM, SPARE, HEADER))  # so the upstream did know them
    assert "message Bearer [redacted] and Token [redacted] at [redacted]" in answers[0].json()["error"]["message"]
    told = "".join(map(bytes_of, answers)) + logged.getvalue()
    assert not any(canary in told for canary in CANARIES)
    assert upstream.url.removesuffix("/v1") not in told


def test_a_key_in_the_wrong_place_is_not_repeated(app: ASGIApp, logged: io.StringIO) -> None:
    """It happens that a key is taken for a model, a path or a field; neither answer nor log shows it then."""
    body = {**question("echo"), "messages": [{"role": CALLER, "content": "x"}]}
    twice = json.dumps(question("echo")).replace('"model"', f'"{CALLER}": 1, "{CALLER}": 2, "model"')
    with serving(app) as served, httpx.Client(base_url=served.url, timeout=PATIENCE, trust_env=False) as http:
        http.headers["x-api-key"] = CALLER
        answers = [
            http.post("/v1/chat/completions", json=question(CALLER)),
            http.post("/v1/chat/completions", json=question(f"up/{RETIRED}", stream=True)),
            http.post("/v1/chat/completions", json=body),
            http.post("/v1/chat/completions", content=twice),
            http.get(f"/v1/models/{CALLER}"),
            http.get(f"/v1/{CALLER}/chat/completions"),
            http.get("/v1/models", params={"key": RETIRED}),
            http.get("/v1/models", params={"key": RETIRED}, headers={"x-api-key": ""}),
            http.get("/v1/models", headers={"x-api-key": CALLER + "x"}),
            http.request("OPTIONS", f"/v1/models/{CALLER}", headers={"Access-Control-Request-Headers": "x"}),
        ]

    told = "".join(map(bytes_of, answers)) + logged.getvalue()
    assert not any(canary in told for canary in CANARIES)
    assert logged.getvalue().count("[redacted]") >= 5


def test_nothing_shows_a_secret_when_it_is_printed(app: ASGIApp, upstream: OpenAIUpstream) -> None:
    """Settings, tokens, leases and whatever else holds one, as a traceback or a debugger would show them."""
    with serving(app) as served, httpx.Client(base_url=served.url, timeout=PATIENCE, trust_env=False) as http:
        http.headers["Authorization"] = f"Bearer {CALLER}"
        http.post("/v1/chat/completions", json=question("leaky-401"))
        gateway = app._app.state.gateway  # type: ignore[attr-defined]  # what no client can reach
        shown = {type(part).__name__: repr(part) for part in objects_in(gateway)}

    assert {"Gateway", "Upstream", "Pool", "Token", "Rest", "Secrets", "Provider", "HttpClient"} <= set(shown)
    assert not [text for text in shown.values() if any(canary in text for canary in CANARIES)]


def objects_in(root: object) -> list[object]:
    """Everything of our own making that `root` holds, however deep."""
    found: dict[int, object] = {}
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif type(value).__module__.startswith("core.") and id(value) not in found:
            found[id(value)] = value
            names = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
            waiting += [getattr(value, name, None) for name in names]
            waiting += vars(value).values() if hasattr(value, "__dict__") else ()
    return list(found.values())


def test_settings_show_no_secret_when_they_are_printed(app: ASGIApp, tmp_path: Path) -> None:
    settings = config.load(ENVIRONMENT, str(tmp_path / "any2api.toml"))

    assert not any(canary in repr(settings) for canary in CANARIES)
