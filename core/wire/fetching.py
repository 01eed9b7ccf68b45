"""What a URL names that somebody else chose: a caller's picture, or an upstream's result.

Such a URL must never lead to where only we can go, nor tell what is there. So an address that is refused and one that
does not answer are the same failure.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final, NamedTuple

import httpx

from core.chat.errors import Retry, UpstreamBadResponse
from core.wire.addresses import literal

MAX_REDIRECTS: Final = 3
PATIENCE: Final = 20.0
"""Seconds until a fetch is complete, or a download has begun."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_IN_NAMES: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class Fetched(NamedTuple):
    """`media_type` is what the server says it is, without parameters; empty where it says nothing."""

    media_type: str
    content: bytes


class FetchError(UpstreamBadResponse):
    """What a URL names cannot be had. It names no address, and says nothing of what lies in a private network."""

    retry = Retry.OTHER_ROUTE

    def __init__(self, reason: str) -> None:
        super().__init__(f"What the URL names cannot be fetched: {reason}.")


def unreachable() -> FetchError:
    return FetchError("its address cannot be reached")


def late(patience: float) -> FetchError:
    return FetchError(f"it took longer than {patience:g} s")


def web_address(url: str | httpx.URL) -> httpx.URL:
    """`url`, if it is one that may be fetched. Raises `FetchError`."""
    try:
        address = httpx.URL(url)
        address.host  # noqa: B018  # which raises for a name that no Unicode stands for
    except (httpx.InvalidURL, UnicodeError) as error:
        raise FetchError("it is no URL") from error
    if address.scheme not in {"http", "https"} or address.userinfo:
        raise FetchError("its URL must begin with http:// or https:// and hold no password")
    if not _is_plain(address.raw_host.decode("ascii")) or not _is_web(address.port):
        raise unreachable()
    return address


def redirection(url: httpx.URL, status: int, headers: Mapping[str, str]) -> httpx.URL:
    """Where an answer leads on to that is no success. Raises `FetchError` where that is nowhere."""
    if status not in _REDIRECTS or "location" not in headers:
        raise FetchError(f"its server answered HTTP {status}")
    try:
        target = web_address(url.join(headers["location"]))
    except (httpx.InvalidURL, UnicodeError) as error:
        raise unreachable() from error
    if url.scheme == "https" and target.scheme != "https":
        raise FetchError("it is redirected from https to http")
    return target


async def collected(headers: Mapping[str, str], chunks: AsyncIterator[bytes], limit: int) -> Fetched:
    """The whole body, if it is no longer than `limit` bytes. Raises `FetchError`."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit and "content-encoding" not in headers:
        raise _too_large(limit)
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > limit:
            raise _too_large(limit)
    return Fetched(headers.get("content-type", "").partition(";")[0].strip().lower(), bytes(content))


def _is_plain(host: str) -> bool:
    """Whether `host` is a name, or an address in its usual spelling: neither `127.1` nor `0x7f000001` nor `a%2eb`."""
    if literal(host):
        return "%" not in host
    last = host.rpartition(".")[2]
    return _IN_NAMES.issuperset(host) and last != "" and not last.isdigit() and not last.startswith("0x")


def _is_web(port: int | None) -> bool:
    """Whether a web server may be behind `port`; below 1024 all but its own belong to other services."""
    return port in {None, 80, 443} or (port is not None and 1024 <= port < 65536)


def _too_large(limit: int) -> FetchError:
    return FetchError(f"it is larger than {limit / 1024 / 1024:.3g} MiB")
