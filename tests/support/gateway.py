"""The real gateway on a real loopback port: `create_app` under uvicorn, as `any2api serve` runs it."""

from __future__ import annotations

import asyncio
import socket
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from core.app import create_app
from core.chat.settings import Settings, read_settings
from core.wire.client import HttpClient
from tests.support.loops import LoopThread

KEY = "a-key-that-only-tests-present-0123456789"


@dataclass(frozen=True)
class Served:
    """An app that is being served: its address, and the thread that it runs in."""

    url: str
    thread: LoopThread

    def tasks(self) -> int:
        """How many tasks there are in its loop, this look at it aside."""

        async def count() -> int:
            return len(asyncio.all_tasks()) - 1

        return self.thread.run(count())


@contextmanager
def running(settings: Settings | str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The base URL of a gateway with these settings (or this TOML). It takes `KEY` unless `environment` has another."""
    with serving(gateway(settings, environment)) as served:
        yield served.url


def gateway(settings: Settings | str, environment: Mapping[str, str] | None = None) -> ASGIApp:
    """The app itself, not served yet."""
    if isinstance(settings, str):
        settings = read_settings(tomllib.loads(settings))
    return create_app(settings, environment={"API_MASTER_KEY": KEY, **(environment or {})})


@contextmanager
def serving(app: ASGIApp) -> Iterator[Served]:
    """`app` under uvicorn on a free port of this machine, in a thread of its own."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=60,
    )
    with LoopThread(config.get_loop_factory() or asyncio.new_event_loop) as thread:
        port = thread.enter(_serve(config))
        yield Served(f"http://127.0.0.1:{port}", thread)


@asynccontextmanager
async def _serve(config: uvicorn.Config) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await server.listening.wait()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()
        for client in _clients(config.app):
            await client.aclose()


def _clients(app: Any) -> set[HttpClient]:
    """What talks to the upstreams. A process may simply end; a loop that ends before it warns of open sockets."""
    upstreams = app._app.state.gateway.upstreams.values()
    return {part for each in upstreams for part in vars(each.provider).values() if isinstance(part, HttpClient)}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()
