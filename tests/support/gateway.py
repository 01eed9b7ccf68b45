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
from tests.support.loops import PATIENCE, LoopThread

KEY = "a-key-that-only-tests-present-0123456789"


@dataclass(frozen=True)
class Served:
    """An app that is being served: its address, and the thread that it runs in."""

    url: str
    thread: LoopThread

    def tasks(self) -> set[asyncio.Task[Any]]:
        """The tasks in its loop, this look at it aside."""
        return self.thread.run(_tasks())

    def settle(self, before: set[asyncio.Task[Any]]) -> None:
        """Returns when only the tasks of `before` are left; fails where others never end."""
        self.thread.run(_ended(before))


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
        server.force_exit = True
        server.leaving.set()
        await task
        listener.close()
        await config.app._app.state.gateway.aclose()  # type: ignore[union-attr]  # the app is ours


async def _tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def _ended(before: set[asyncio.Task[Any]]) -> None:
    async with asyncio.timeout(PATIENCE / 2):
        while more := await _tasks() - before:
            await asyncio.wait(more)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.leaving = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Unlike the original it needs no tenth of a second to notice that it shall end."""
        await self.on_tick(0)
        await self.leaving.wait()
