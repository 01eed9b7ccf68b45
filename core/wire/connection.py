"""One HTTP/1.1 connection: asyncio's protocol on one side, an asynchronous iterator of body chunks on the other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Final, cast

import httptools

from core.chat.errors import Retry, UpstreamBadResponse, UpstreamError, UpstreamTruncated, UpstreamUnreachable

MAX_HEAD: Final = 32 * 1024
"""Bytes of a header block; also how many bytes in a row may bring no body."""

HIGH_WATER: Final = 64 * 1024
"""Bytes that may wait for their reader before the socket is left alone."""


class Unanswered(UpstreamUnreachable):
    """The connection ended after the request was sent, before the head of an answer: it may have been carried out."""

    reached = True


class NoAnswer(Unanswered):
    """The connection ended before a single byte of the answer. A connection kept from before may just be too old."""


def unreachable(host: str, error: Exception | None) -> UpstreamUnreachable:
    """The error for a connection that failed, by what the operating system or TLS said."""
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
        return UpstreamUnreachable(
            f"TLS with {host} failed: {reason}.", code="upstream_tls_error", retry=Retry.OTHER_ROUTE
        )
    if isinstance(error, ConnectionRefusedError):
        return UpstreamUnreachable(f"{host} refused the connection.")
    return UpstreamUnreachable(f"{host} cannot be reached.")


class Connection(asyncio.Protocol, AsyncIterator[bytes]):
    """Carries one exchange after another: `send()` awaits the head of an answer, iterating gives its body.

    All that one socket read brought is one chunk: nobody gains from seeing HTTP's own chunks one by one.
    """

    def __init__(self, host: str) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._host = host
        self.loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: UpstreamError | None = None
        self._chunks: list[bytes] = []
        self.on_body = self._chunks.append
        self._unread = 0
        self._paused = False
        self._fruitless = 0
        self._head_size = 0
        self._bodiless = False
        self._until_close = False
        self._keep_alive = False
        self._complete = True

    async def send(self, message: bytes, *, bodiless: bool) -> None:
        """Send a request and await the head of its answer. A `bodiless` one has no body, whatever its head says."""
        self.status = 0
        self.headers = []
        self._bodiless = bodiless
        self._fruitless = self._head_size = 0
        self._complete = False
        self._transport.write(message)
        while not self.status:
            if self._failure is not None:
                raise self._failure
            self._waiter = self.loop.create_future()
            await self._waiter

    async def __anext__(self) -> bytes:
        chunks = self._chunks
        while not chunks:
            if self._complete:
                raise StopAsyncIteration
            if self._failure is not None:
                raise self._failure
            self._waiter = self.loop.create_future()
            await self._waiter
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._forget()
        return data

    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._complete and self._keep_alive and not self._transport.is_closing()

    def rest(self) -> bool:
        """Drop what was not read; true where the connection can wait for another request."""
        if not self.usable() or self._transport.get_write_buffer_size():
            return False
        self._forget()
        return True

    def abort(self) -> None:
        """Close now: nothing more is sent, not even TLS's farewell, for which a silent peer could make us wait."""
        self._transport.abort()

    def _forget(self) -> None:
        self._chunks.clear()
        self._unread = 0
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        if self._complete:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(UpstreamBadResponse(f"{self._host} does not speak proper HTTP."))
        if self._chunks:
            self._unread += len(data)
            if self._unread > HIGH_WATER and not self._paused:
                self._paused = True
                self._transport.pause_reading()
        else:
            self._fruitless += len(data)
            if self._fruitless > MAX_HEAD:
                self._fail(UpstreamBadResponse(f"{self._host} sends without end, but no answer."))
        self._wake()

    def eof_received(self) -> None:
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del self._parser  # the two hold each other
        self._keep_alive = False
        if self.status and self._until_close and exc is None:
            self._complete = True
        elif self.status:
            self._fail(UpstreamTruncated())
        elif isinstance(exc, ssl.SSLError):
            failure = unreachable(self._host, exc)
            failure.reached = True  # the handshake was before the request
            self._fail(failure)
        elif self._fruitless:
            self._fail(Unanswered(f"{self._host} closed the connection in the middle of an answer's head."))
        else:
            self._fail(NoAnswer(f"{self._host} closed the connection without an answer."))
        self._wake()

    def _fail(self, failure: UpstreamError) -> None:
        """Give up the connection. What is complete stays so, and the first failure is the one that counts."""
        if not self._complete and self._failure is None:
            self._failure = failure
        self.abort()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # Called by the parser

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("an answer to no request")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD:
            self._fail(UpstreamBadResponse(f"{self._host} sent headers of more than {MAX_HEAD // 1024} KiB."))
            raise ValueError("too many headers")
        if not self.status:  # else it is a trailer
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101:
            raise ValueError("an upgrade nobody asked for")
        if status < 200:
            self.headers.clear()
            return
        self.status = status
        self._until_close = not any(
            name.lower() == b"content-length" or (name.lower() == b"transfer-encoding" and b"chunked" in value.lower())
            for name, value in self.headers
        )
        self._keep_alive = self._parser.should_keep_alive() and not self._bodiless
        self._complete = self._bodiless

    def on_message_complete(self) -> None:
        self._complete = self.status != 0
