"""Routes that are loaded when first asked for: found like all others, and not a moment before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from core.api.shared.assembly import assemble
from core.api.shared.later import Later
from core.app import LATER, load_router
from tests.support.road import Road, Scripted

START = """
import sys
from core.app import create_app
from core.chat.settings import read_settings
create_app(read_settings({"providers": {"a": {"kind": "gptanon"}}}), keys="k" * 24)
print(*sys.modules)
"""


class Loader:
    """Loads a router of two routes, and counts how often."""

    def __init__(self) -> None:
        self.loaded = 0

    def __call__(self) -> APIRouter:
        self.loaded += 1
        router = APIRouter()

        @router.post("/v1/things")
        async def create() -> PlainTextResponse:
            return PlainTextResponse("created")

        @router.get("/v1/things/{name}")
        async def read(name: str) -> PlainTextResponse:
            return PlainTextResponse(f"read {name}")

        return router


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def http(loader: Loader) -> Iterator[httpx.AsyncClient]:
    app = assemble(Road({"a": Scripted()}).gateway, [], [Later("/v1/things", loader)], ["*"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


async def test_they_answer_once_loaded_and_are_loaded_once(http: httpx.AsyncClient, loader: Loader) -> None:
    assert (await http.get("/v1/others")).status_code == 404
    assert (await http.get("/v1/thingsome")).status_code == 404
    assert loader.loaded == 0
    assert (await http.post("/v1/things")).text == "created"
    assert (await http.get("/v1/things/one%20more")).text == "read one more"
    assert loader.loaded == 1


async def test_a_wrong_method_or_path_below_is_refused_as_anywhere(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/things")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "method_not_allowed"
    answer = await http.get("/v1/things/a/b")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


@pytest.mark.parametrize("prefix", LATER)
def test_every_route_of_a_file_lies_where_it_is_looked_for(prefix: str) -> None:
    router = load_router(LATER[prefix])
    paths = [route.path for route in router.routes if isinstance(route, Route)]
    assert paths
    assert all(Later(prefix, lambda: router).covers(path) for path in paths)


def test_a_start_loads_none_of_them() -> None:
    unneeded = {f"core.api.{name}" for name in LATER.values()} | {"core.api.shared.form"}
    started = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    loaded = set(started.stdout.split())
    assert "core.api.chat_completions" in loaded
    assert loaded.isdisjoint(unneeded)
