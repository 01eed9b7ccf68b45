"""The list of models, in front of a gateway that knows a few."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core.api import models
from core.api.shared import access
from core.api.shared.assembly import assemble
from core.chat.errors import InvalidKey
from core.chat.ports import ModelInfo
from core.gateway.activity import Activity
from core.gateway.catalogue import Listed
from core.gateway.keys import Caller


class Gateway:
    """Knows three models, and one key."""

    activity = Activity()

    async def authorize(self, key: str | None) -> Caller:
        if key != "KEY":
            raise InvalidKey("no")
        return Caller("key-1")

    async def list_models(self) -> list[Listed]:
        return [
            Listed("alias", "puter", ModelInfo("gpt")),
            Listed("vendor/Model-1", "openrouter", ModelInfo("vendor/Model-1", "vendor", 8192)),
        ]

    def redact(self, text: str) -> str:
        return text


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(access, "DELAY", 0.0)
    gateway: Any = Gateway()
    transport = httpx.ASGITransport(assemble(gateway, [models.router], [], ["*"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers={"x-api-key": "KEY"}) as client:
        yield client


async def test_the_list(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/models")).json() == {
        "object": "list",
        "data": [
            {"id": "alias", "object": "model", "created": models.CREATED, "owned_by": "puter"},
            {
                "id": "vendor/Model-1",
                "object": "model",
                "created": models.CREATED,
                "owned_by": "vendor",
                "context_length": 8192,
            },
        ],
    }


@pytest.mark.parametrize(
    "path", ["/v1/models/vendor/Model-1", "/v1/models/vendor%2FModel-1", "/MODELS/vendor/Model-1/"]
)
async def test_one_of_them(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).json()["id"] == "vendor/Model-1"


@pytest.mark.parametrize(
    "path", ["/v1/models/nope", "/v1/models/Alias", "/v1/models/vendor", "/v1/models/vendor/model-1"]
)
async def test_ids_are_exact(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/alias", "/v1/models/nope"])
async def test_nothing_is_told_without_a_key(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"x-api-key": "OTHER"})

    assert answer.status_code == 401
