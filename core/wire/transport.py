"""HTTP/1.1 over asyncio: an `httpx` transport that never makes one request wait for another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial

import httpx

from core.chat.errors import UpstreamTimeout
from core.wire.addresses import Address, Choice, Resolver, called, permitted_addresses, resolve
from core.wire.connection import Connection, NoAnswer, unreachable
from core.wire.pool import Origin, Pool

CONNECT_TIMEOUT = 5.0
KEEP_ALIVE = 15.0


class Transport(httpx.AsyncBaseTransport):
    """Sends requests over connections that are kept for the next ones. Raises `UpstreamError`.

    A request that says `Connection: close` has one of its own, and so is sent once only.

    `ssl_context` is called once, at the first https request: reading the certificates of all authorities takes long.
    `addresses` chooses where a host may lead to.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        addresses: Choice = permitted_addresses,
        ssl_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        connect_timeout: float = CONNECT_TIMEOUT,
        keep_alive: float = KEEP_ALIVE,
    ) -> None:
        self._resolver = resolver
        self._addresses = addresses
        self._make_ssl_context = ssl_context
        self._ssl_context: ssl.SSLContext | None = None
        self._connect_timeout = connect_timeout
        self._pool = Pool(keep_alive)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = Origin.of(request.url)
        await request.aread()
        kept = None if request.headers.get("connection") == "close" else self._pool.take(origin)
        if kept is not None:
            with suppress(NoAnswer):  # it was too old after all; a fresh one is tried once
                return await self._exchange(kept, origin, request)
        return await self._exchange(await self._connect(origin), origin, request)

    async def aclose(self) -> None:
        """Close the connections that wait. Those in use are closed by their users."""
        self._pool.clear()
        await asyncio.sleep(0)  # lets the event loop close the sockets

    async def _exchange(self, connection: Connection, origin: Origin, request: httpx.Request) -> httpx.Response:
        try:
            await connection.send(_message(request), bodiless=request.method == "HEAD")
        except BaseException:
            connection.abort()
            raise
        return httpx.Response(
            connection.status,
            headers=connection.headers,
            stream=_Body(connection, partial(self._pool.give, origin)),
            request=request,
        )

    async def _connect(self, origin: Origin) -> Connection:
        try:
            async with asyncio.timeout(self._connect_timeout):
                *best, last = await self._addresses(origin.host, origin.port, self._resolver)
                for address in best:
                    with suppress(OSError):
                        async with asyncio.timeout(self._connect_timeout / 2):
                            return await self._open(origin, address)
                return await self._open(origin, last)
        except TimeoutError as error:
            late = UpstreamTimeout(f"{called(origin.host)} could not be connected in {self._connect_timeout:g} s.")
            late.reached = False
            raise late from error
        except OSError as error:
            raise unreachable(called(origin.host), error) from error

    async def _open(self, origin: Origin, address: Address) -> Connection:
        """Connects to `address` itself, so that no second look-up can lead elsewhere."""
        _, connection = await asyncio.get_running_loop().create_connection(
            partial(Connection, called(origin.host)),
            str(address),
            origin.port,
            ssl=self._shared_ssl_context() if origin.secure else None,
            server_hostname=origin.host if origin.secure else None,
        )
        return connection

    def _shared_ssl_context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = self._make_ssl_context()
            self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context


class _Body(httpx.AsyncByteStream):
    def __init__(self, connection: Connection, give_back: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._give_back = give_back
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._give_back(self._connection)


def _message(request: httpx.Request) -> bytes:
    head = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    head += [b"%s: %s" % field for field in request.headers.raw]
    return b"\r\n".join(head) + b"\r\n\r\n" + request.content
