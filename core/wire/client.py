"""The HTTP client that every provider is given: one request, one answer, and no surprises in between.

It talks to the transport itself. There is no cookie jar, no redirect, no proxy from the environment; a test may hand
in `httpx.MockTransport`.
"""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, cast

import httpx

from core.chat.errors import (
    Retry,
    UpstreamBadResponse,
    UpstreamError,
    UpstreamTimeout,
    UpstreamTruncated,
    UpstreamUnreachable,
)
from core.chat.requests import Json
from core.wire.addresses import called
from core.wire.compression import Inflater, inflater_for
from core.wire.transport import Transport

MAX_BODY = 64 * 1024 * 1024

_DEFAULTS: Final[Mapping[str, str]] = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "any2api"}
_NONE: Final[Mapping[str, str]] = {}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class HttpAnswer:
    """An upstream's answer, its body not read yet. `headers` by lower-case name."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._body = _body(
            cast(httpx.AsyncByteStream, response.stream), inflater_for(self.headers.get("content-encoding", ""))
        )
        self._peeked = b""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises `UpstreamTruncated` where it is cut."""
        return self._from_peeked() if self._peeked else self._body

    async def peek(self) -> bytes:
        """The first chunk, which `chunks()` and `read()` will give again; b"" for an empty body."""
        if not self._peeked:
            self._peeked = await anext(self._body, b"")
        return self._peeked

    async def read(self) -> bytes:
        """The whole body."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def aclose(self) -> None:
        await self._body.aclose()

    async def _from_peeked(self) -> AsyncIterator[bytes]:
        first, self._peeked = self._peeked, b""
        yield first
        async for chunk in self._body:
            yield chunk


class HttpClient:
    """Sends requests and keeps connections for the next ones. One is shared by all providers."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport or Transport()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NONE,
        json: Json = None,
        content: bytes | None = None,
    ) -> AsyncIterator[HttpAnswer]:
        """Send a request; inside the block the answer's body can be read, and after it the connection is done with.

        Raises `UpstreamUnreachable`, `UpstreamTimeout` (no connection in time) and `UpstreamBadResponse`.
        """
        request = _request(method, url, headers, json, content)
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.TransportError as error:
            raise _failure(error, called(request.url.host)) from error
        try:
            answer = HttpAnswer(response)
            try:
                yield answer
            finally:
                await answer.aclose()
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()


def encode_json(value: Json) -> bytes:
    """`value` as compact UTF-8 JSON; half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD."""
    text = jsonlib.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _request(method: str, url: str, headers: Mapping[str, str], json: Json, content: bytes | None) -> httpx.Request:
    fields = dict(_DEFAULTS)
    if json is not None:
        content = encode_json(json)
        fields["content-type"] = "application/json"
    fields.update((name.lower(), value) for name, value in headers.items())
    try:
        return httpx.Request(method, url, headers=[_header(*field) for field in fields.items()], content=content)
    except httpx.InvalidURL as error:
        raise _misconfigured(f"The upstream's address is no URL: {error}.") from error


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    if not _HEADER_NAME.fullmatch(name):
        raise _misconfigured(f"{name[:40]!r} cannot be the name of a header.")
    if _CONTROL.search(value):
        raise _misconfigured(f"The value of the header {name} holds a line break or another control character.")
    return name.encode("ascii"), value.encode("utf-8", "replace")


async def _body(stream: httpx.AsyncByteStream, inflater: Inflater | None) -> AsyncGenerator[bytes, None]:
    total = 0
    try:
        async for chunk in stream:
            for piece in (chunk,) if inflater is None else inflater.feed(chunk):
                total += len(piece)
                if total > MAX_BODY:
                    raise _too_long()
                if piece:
                    yield piece
    except httpx.TimeoutException as error:
        raise UpstreamTimeout("The upstream's answer stalled.") from error
    except httpx.TransportError as error:
        raise UpstreamTruncated from error
    if inflater is not None:
        inflater.end()


def _failure(error: httpx.TransportError, host: str) -> UpstreamError:
    """The error for an answer that did not even begin."""
    if isinstance(error, httpx.TimeoutException):
        return UpstreamTimeout(f"{host} did not answer in time.")
    if isinstance(error, httpx.RemoteProtocolError):
        return UpstreamBadResponse(f"{host} did not answer in HTTP.")
    if isinstance(error, httpx.UnsupportedProtocol):
        return _misconfigured("The upstream's address must begin with http:// or https://.")
    return UpstreamUnreachable(f"{host} cannot be reached.")


def _misconfigured(message: str) -> UpstreamError:
    return UpstreamError(message, code="upstream_misconfigured", retry=Retry.OTHER_ROUTE)


def _too_long() -> UpstreamError:
    return UpstreamBadResponse(
        f"The upstream's answer is longer than {MAX_BODY // 1024 // 1024} MiB.", retry=Retry.OTHER_ROUTE
    )
