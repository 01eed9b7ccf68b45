"""The HTTP client that every provider is given: one request, one answer, and no surprises in between.

It talks to the transport itself. There is no cookie jar, no proxy from the environment, and no redirect but for what
is fetched from the internet; a test may hand in `httpx.MockTransport`.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
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
from core.wire import fetching
from core.wire.addresses import called, public_addresses
from core.wire.compression import Inflater, inflater_for
from core.wire.fetching import Fetched, FetchError
from core.wire.transport import Transport

MAX_BODY = 64 * 1024 * 1024
MAX_DOWNLOAD = 1024 * 1024 * 1024

_DEFAULTS: Final[Mapping[str, str]] = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "any2api"}
_NONE: Final[Mapping[str, str]] = {}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class HttpAnswer:
    """An upstream's answer, its body not read yet. `headers` by lower-case name."""

    def __init__(self, response: httpx.Response, limit: int = MAX_BODY) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._body = _body(
            cast(httpx.AsyncByteStream, response.stream),
            inflater_for(self.headers.get("content-encoding", "")),
            limit,
        )
        self._peeked = b""

    @property
    def length(self) -> int | None:
        """How long the body is; None where that is not told, or only of what is compressed."""
        told = self.headers.get("content-length", "")
        is_plain = self.headers.keys().isdisjoint({"content-encoding", "transfer-encoding"})
        return int(told) if is_plain and told.isdecimal() else None

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
    """Sends requests and keeps connections for the next ones. One is shared by all providers.

    `internet` is the transport to what others name; by default it leads to public addresses only, and to private ones
    if they are allowed. Its connections are its own: one that leads into a private network is of no use to it.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        internet: httpx.AsyncBaseTransport | None = None,
        private_addresses: bool = False,
    ) -> None:
        self._transport = transport or Transport()
        self._internet = internet or Transport(addresses=partial(public_addresses, private=private_addresses))

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NONE,
        json: Json = None,
        content: bytes | None = None,
    ) -> AbstractAsyncContextManager[HttpAnswer]:
        """Send a request; inside the block the answer's body can be read, and after it the connection is done with.

        Raises `UpstreamUnreachable`, `UpstreamTimeout` (no connection in time) and `UpstreamBadResponse`.
        """
        return _exchange(self._transport, _request(method, url, headers, json, content), MAX_BODY)

    async def fetch(self, url: str, *, limit: int, patience: float = fetching.PATIENCE) -> Fetched:
        """What a `url` names that somebody else chose, if it is no longer than `limit` bytes. Raises `FetchError`."""
        try:
            async with asyncio.timeout(patience), self.download(url, patience=patience) as answer:
                return await fetching.collected(answer.headers, answer.chunks(), limit)
        except TimeoutError as error:
            raise fetching.late(patience) from error
        except FetchError:
            raise
        except UpstreamError as error:
            raise FetchError("its server does not send it whole") from error

    @asynccontextmanager
    async def download(self, url: str, *, patience: float = fetching.PATIENCE) -> AsyncIterator[HttpAnswer]:
        """What a `url` names that somebody else chose, its body not read yet; `patience` is for all until then.

        No credential goes there. Redirects are followed as far as `url` itself might lead. Raises `FetchError`.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(patience):
                    answer = await self._follow(url, stack)
            except TimeoutError as error:
                raise fetching.late(patience) from error
            yield answer

    async def aclose(self) -> None:
        await self._transport.aclose()
        await self._internet.aclose()

    async def _follow(self, url: str, stack: AsyncExitStack) -> HttpAnswer:
        """The answer at the end of all redirects, which is closed with `stack`."""
        target = fetching.web_address(url)
        for _ in range(fetching.MAX_REDIRECTS + 1):
            try:
                exchange = _exchange(self._internet, _request("GET", target), MAX_DOWNLOAD)
                answer = await stack.enter_async_context(exchange)
            except UpstreamError as error:
                raise fetching.unreachable() from error
            if answer.status == 200:
                return answer
            target = fetching.redirection(target, answer.status, answer.headers)
            await stack.aclose()
        raise FetchError("it is redirected again and again")


@asynccontextmanager
async def _exchange(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: int
) -> AsyncIterator[HttpAnswer]:
    try:
        response = await transport.handle_async_request(request)
    except httpx.TransportError as error:
        raise _failure(error, called(request.url.host)) from error
    try:
        answer = HttpAnswer(response, limit)
        try:
            yield answer
        finally:
            await answer.aclose()
    finally:
        await response.aclose()


def encode_json(value: Json) -> bytes:
    """`value` as compact UTF-8 JSON; half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD."""
    text = jsonlib.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _request(
    method: str,
    url: str | httpx.URL,
    headers: Mapping[str, str] = _NONE,
    json: Json = None,
    content: bytes | None = None,
) -> httpx.Request:
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


async def _body(stream: httpx.AsyncByteStream, inflater: Inflater | None, limit: int) -> AsyncGenerator[bytes, None]:
    total = 0
    try:
        async for chunk in stream:
            for piece in (chunk,) if inflater is None else inflater.feed(chunk):
                total += len(piece)
                if total > limit:
                    raise _too_long(limit)
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


def _too_long(limit: int) -> UpstreamError:
    return UpstreamBadResponse(
        f"The upstream's answer is longer than {limit // 1024 // 1024} MiB.", retry=Retry.OTHER_ROUTE
    )
