"""One client's connection to the toy upstream: bytes go out exactly as a script says, and it can break off."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from core.chat.requests import Json

JSON: Final = {"Content-Type": "application/json"}
EVENT_STREAM: Final = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
_PHRASES: Final[Mapping[int, str]] = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class Connection:
    """What the upstream says on one connection. Every method raises `OSError` once the client has hung up.

    `pace` scales all pauses. `odd` is the server's memory of which models saw an odd number of requests.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pace: float, odd: set[str]) -> None:
        self._reader = reader
        self._writer = writer
        self._pace = pace
        self._odd = odd

    @property
    def open(self) -> bool:
        return not self._writer.is_closing()

    async def send(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError("The client hung up.")
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status line and headers, exactly these."""
        await self.send(_head(status, headers))

    async def begin(self, headers: Mapping[str, str] = EVENT_STREAM) -> None:
        """The head of a chunked answer; `chunk` and `end` follow."""
        await self.head(200, {**headers, "Transfer-Encoding": "chunked"})

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def reply(self, status: int, body: bytes | Json, headers: Mapping[str, str] = JSON) -> None:
        """A whole answer with its length; a body that is not bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else to_json(body)
        await self.send(_head(status, {**headers, "Content-Length": str(len(content))}) + content)

    async def pause(self, seconds: float) -> None:
        """Say nothing for `seconds` at pace 1."""
        try:
            async with asyncio.timeout(seconds * self._pace):
                await self._reader.read(1)
        except TimeoutError:
            return
        raise ConnectionResetError("The client hung up.")

    async def hold(self) -> None:
        """Say nothing more, until the client hangs up."""
        await self._reader.read(1)
        self.close()

    def close(self) -> None:
        """Close in good order once everything is sent."""
        self._writer.close()

    def reset(self) -> None:
        """Break off with a TCP reset; a mere abort would end like a close."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._writer.transport.abort()

    def every_other(self, model: str) -> bool:
        """True for the first, third, fifth … request for `model`."""
        self._odd ^= {model}
        return model in self._odd


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def to_json(value: Json) -> bytes:
    """Compact UTF-8 JSON; half a surrogate pair, which has no UTF-8, is written as an escape."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
