"""Whoever is cancelled, wherever it was, leaves no socket and no task behind."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psutil
import pytest
import trustme

from core.wire.client import HttpClient
from core.wire.transport import Transport
from tests.support.tls import HOST, serving, trusting
from tests.support.upstream import Seen, Wire, upstream


async def hang() -> None:
    await asyncio.get_running_loop().create_future()


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def open_files() -> int:
    return psutil.Process().num_fds()


async def settle(condition: Callable[[], bool]) -> None:
    """Let the event loop finish what is under way, but not for ever."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    assert condition()


@dataclass
class Exchange:
    """One exchange that gets as far as `phase` and stays there; then `reached` is set."""

    phase: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def stay(self, phase: str) -> None:
        if phase == self.phase:
            self.reached.set()
            await hang()

    async def resolver(self, _host: str, _port: int) -> Sequence[str]:
        await self.stay("resolving")
        return ["127.0.0.1"]

    async def script(self, _: Seen, wire: Wire) -> None:
        if self.phase == "awaiting the head":
            self.reached.set()
            await wire.hung_up()
        await self.stay("sending")
        await wire.head()
        await wire.chunk(b"hello")
        await wire.hung_up()

    async def use(self, client: HttpClient, url: str) -> None:
        sending = self.phase == "sending"
        content = bytes(32 * 1024 * 1024) if sending else b""
        headers = {"content-length": "1"} if sending else {}  # all the rest stays in our buffer
        async with client.request("POST", url, content=content, headers=headers) as answer:
            await self.stay("before the body")
            async for _ in answer.chunks():
                self.reached.set()


@pytest.mark.parametrize(
    "phase", ["resolving", "sending", "awaiting the head", "before the body", "in the body", "in a body over TLS"]
)
async def test_cancelled_in_any_phase_nothing_is_left(authority: trustme.CA, phase: str) -> None:
    exchange = Exchange(phase)
    secure = phase == "in a body over TLS"
    client = HttpClient(Transport(resolver=exchange.resolver, ssl_context=partial(trusting, authority)))
    async with upstream(exchange.script, serving(authority.issue_cert(HOST)) if secure else None) as site:
        files = open_files()
        task = asyncio.create_task(exchange.use(client, site.at(HOST, "https" if secure else "http")))
        await exchange.reached.wait()
        await cancel(task)
        await settle(lambda: open_files() - site.open == files)
    await settle(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_cancelled_in_the_handshake_nothing_is_left() -> None:
    exchange = Exchange("never")
    async with upstream(exchange.script) as site:  # speaks no TLS, and awaits the rest of a head that never comes
        files = open_files()
        task = asyncio.create_task(exchange.use(HttpClient(), site.at("localhost", "https")))
        await site.connections(1)
        await cancel(task)
        await site.connections(0)
        await settle(lambda: open_files() == files)
