"""The toy upstream: an HTTP/1.1 server on the loopback interface that speaks OpenAI's chat.completions.

It works on raw bytes, because it must be able to misbehave.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.chat.requests import Json
from core.providers.demo.asked import Asked
from core.providers.demo.connection import Connection
from core.providers.demo.faults import FAULTS
from core.providers.demo.replies import answer, error
from core.providers.demo.voices import VOICES

TOKEN: Final = "demo"  # noqa: S105  # it guards nothing; the upstream checks that credentials arrive
MAX_BODY: Final = 64 * 1024 * 1024


class ToyUpstream:
    """Listens on a free port of 127.0.0.1 from the first `url()` to `aclose()`, for one event loop."""

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._socket: socket.socket | None = None
        self._starting: asyncio.Task[asyncio.Server] | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._odd: set[str] = set()

    async def url(self) -> str:
        """The base URL, once the server listens there."""
        if self._socket is None or self._starting is None:
            self._socket = _listening()
            self._starting = asyncio.create_task(asyncio.start_server(self._serve, sock=self._socket))
        port = self._socket.getsockname()[1]
        await asyncio.shield(self._starting)  # several may wait for it, and one of them may give up
        return f"http://127.0.0.1:{port}/v1"

    async def aclose(self) -> None:
        """Stop listening and break off every connection."""
        if self._starting is None:
            return
        starting, self._starting = self._starting, None
        server = await starting
        server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await server.wait_closed()

    def abandon(self) -> None:
        """Free the port of a server whose event loop has ended."""
        if self._socket is not None:
            self._socket.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._starting is None:  # accepted while we were closing
            writer.transport.abort()
            return
        self._serving.add(task)
        connection = Connection(reader, writer, self._pace, self._odd)
        try:
            while connection.open and (request := await _read(reader)):
                await _respond(connection, request)
            writer.close()
            await writer.wait_closed()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # the client hung up, or does not speak HTTP
        except asyncio.CancelledError:
            pass  # we are closing; before Python 3.12, asyncio reports a connection's cancelled task as a crash
        finally:
            writer.transport.abort()
            self._serving.discard(task)


def _listening() -> socket.socket:
    """A socket on a free port. Its protocol is named since asyncio turns Nagle's delays off only where it is."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    return listening


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


async def _read(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request of a connection; None for something that is none, or is too long."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = [line.partition(":") for line in lines if line]
    headers = {name.lower(): value.strip() for name, _, value in fields}
    method, _, target = start.partition(" ")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        return None
    return HttpRequest(method, target.partition(" ")[0], headers, await reader.readexactly(int(length)))


async def _respond(connection: Connection, request: HttpRequest) -> None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        await connection.reply(401, error("Incorrect API key provided.", code="invalid_api_key"))
    else:
        match request.method, request.path:
            case "GET", "/v1/models":
                await connection.reply(200, _models())
            case "POST", "/v1/chat/completions":
                await _chat(connection, request.body)
            case _:
                await connection.reply(404, error(f"There is no {request.method} {request.path}."))
    if request.headers.get("connection", "").lower() == "close":
        connection.close()


async def _chat(connection: Connection, body: bytes) -> None:
    try:
        asked = Asked(json.loads(body))
    except (ValueError, RecursionError):
        await connection.reply(400, error("The body is no JSON."))
        return
    if asked.model in VOICES:
        await answer(connection, asked, VOICES[asked.model].reply(asked))
    elif asked.model in FAULTS:
        await FAULTS[asked.model].script(connection, asked)
    else:
        refusal = error(f"The model `{asked.model}` does not exist.", code="model_not_found", param="model")
        await connection.reply(404, refusal)


def _models() -> Json:
    """What each does stands in its entry; of a fault, also what a client sees of it."""
    told = {voice.name: voice.description for voice in VOICES.values()}
    told |= {fault.name: f"{fault.upstream} → {fault.client}" for fault in FAULTS.values()}
    common = {"object": "model", "created": 0, "owned_by": "demo"}
    entries = [{"id": name, **common, "description": description} for name, description in told.items()]
    return {"object": "list", "data": entries}
