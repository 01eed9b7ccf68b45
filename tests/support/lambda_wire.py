"""One side of an HTTP/1.1 connection on the server's end, down to chunks and trailers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import h11


@dataclass(frozen=True)
class Request:
    """Header names in lower case; a repeated header's values joined by commas."""

    method: str
    path: str
    headers: dict[str, str]


class Peer:
    """Whoever is connected. `trailers` are there once the body has been read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.trailers: dict[str, str] = {}
        self._reader = reader
        self._writer = writer
        self._connection = h11.Connection(h11.SERVER)

    async def request(self) -> Request | None:
        """The head of the next request; None when the other side has closed."""
        event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        headers: dict[str, str] = {}
        for raw_name, raw_value in event.headers:
            name, value = raw_name.decode(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        return Request(event.method.decode(), event.target.decode(), headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The request's body as it comes. Raises `h11.RemoteProtocolError` where it is cut."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                assert isinstance(event, h11.EndOfMessage)
                self.trailers = {name.decode(): value.decode() for name, value in event.headers}
                return

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """A whole answer, after which the connection closes."""
        fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
        await self._send(h11.Response(status_code=status, headers=list(fields.items())))
        await self._send(h11.Data(data=body))
        await self._send(h11.EndOfMessage())
        self._writer.close()

    async def head(self, status: int, headers: Mapping[str, str], cookies: Sequence[str], bodiless: bool) -> None:
        fields = [*headers.items(), *(("Set-Cookie", cookie) for cookie in cookies)]
        if not bodiless:
            fields.append(("Transfer-Encoding", "chunked"))
        await self._send(h11.Response(status_code=status, headers=fields))

    async def data(self, data: bytes) -> None:
        await self._send(h11.Data(data=data))

    async def end(self) -> None:
        await self._send(h11.EndOfMessage())

    def again(self) -> bool:
        """Whether the connection is free for the next request; a caller may have wanted only one."""
        if self._connection.our_state is h11.MUST_CLOSE:
            return False
        self._connection.start_next_cycle()
        return True

    def abort(self) -> None:
        self._writer.transport.abort()

    async def _send(self, event: h11.Event) -> None:
        self._writer.write(self._connection.send(event) or b"")
        await self._writer.drain()

    async def _event(self) -> object:
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            self._connection.receive_data(await self._reader.read(65536))
        return event
