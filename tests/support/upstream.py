"""A scripted upstream on a real loopback socket: it says exactly the bytes that a test wants, and remembers."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any


@dataclass
class Seen:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """The raw connection that a script answers on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int = 200, **headers: str) -> None:
        """Status line and headers of a chunked answer; `content_type="…"` becomes Content-Type."""
        lines = [f"HTTP/1.1 {status} Scripted", "Transfer-Encoding: chunked"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def finish(self) -> None:
        await self.raw(b"0\r\n\r\n")

    async def reply(self, status: int, body: bytes | str, **headers: str) -> None:
        """A whole answer with Content-Length."""
        body = body.encode() if isinstance(body, str) else body
        headers.setdefault("content_type", "application/json")
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self) -> None:
        """Break the connection off with a TCP reset; a mere abort would look like a close."""
        linger = struct.pack("ii", 1, 0)
        with suppress(OSError):  # the other side may have been quicker
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()

    def stop_sending(self) -> None:
        """Close our half of the connection only."""
        self._writer.write_eof()

    async def hung_up(self) -> None:
        """Returns when the other side has closed the connection."""
        await self._reader.read()


Script = Callable[[Seen, Wire], Awaitable[None]]


@dataclass
class Upstream:
    """`url` is where it listens, `seen` all it was asked.

    `accepted` counts the connections there ever were, `open` those that are open now.
    """

    url: str
    seen: list[Seen] = field(default_factory=list)
    accepted: int = 0
    open: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def at(self, host: str, scheme: str = "http") -> str:
        """Where it listens, under another name."""
        return f"{scheme}://{host}:{self.url.rpartition(':')[2]}"

    async def connections(self, count: int) -> None:
        """Returns once just so many connections are open."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: self.open == count)

    async def count(self, change: int) -> None:
        async with self._changed:
            self.open += change
            self._changed.notify_all()


@asynccontextmanager
async def upstream(script: Script, tls: SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Serve `script` on 127.0.0.1 for each request; connections are kept alive until the script closes them.

    What still runs at the end is cancelled.
    """
    state = Upstream("")
    running: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        state.accepted += 1
        await state.count(+1)
        try:
            while (request := await _read(reader)) and not writer.transport.is_closing():
                state.seen.append(request)
                await script(request, Wire(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            pass  # the test is over; before Python 3.12 asyncio reports a connection's cancelled task as a crash
        finally:
            running.discard(asyncio.current_task())
            writer.close()
            await state.count(-1)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, backlog=2000)
    state.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        server.close()
        for task in list(running):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in running if task is not None), return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Seen | None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ", 2)
    headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body)
