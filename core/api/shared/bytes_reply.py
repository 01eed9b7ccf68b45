"""How sound and films go out: byte for byte as they arrive.

Nothing goes out before the first byte is there, so that a failure can still be a status line. After it nothing but
the connection can say that something went wrong: it breaks, and never ends as if that were all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.api.shared.about import about
from core.api.shared.hangup import CallerGone, Hangup, stopping
from core.api.shared.state import record_of, room_of
from core.chat.errors import ChatError, UpstreamError
from core.chat.media import Media

_HEADERS = [
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.+-")
_PLAIN_PARAMETERS = _PLAIN | set("=; ")


class BrokenOff(BaseException):
    """The answer cannot be finished, and its connection is to show it.

    Like a hang-up it is no `Exception`, so that nobody on its way takes it for a bug.
    """


class BytesReply(Response):
    """Sends what `held` opens. `stuck_after` are the seconds after which a caller who does not read has left.

    `ignored` are fields of the request that went nowhere; a header names them.
    """

    def __init__(
        self, held: AbstractAsyncContextManager[Media], stuck_after: float, ignored: Iterable[str] = ()
    ) -> None:
        super().__init__()
        self._held = held
        self._stuck_after = stuck_after
        self._ignored = ignored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = _Way(send, self._stuck_after, room_of(scope))
        async with Hangup(receive) as hangup:
            try:
                await self._pass_on(scope, way)
            except (ChatError, asyncio.CancelledError) as error:
                if hangup.gone:
                    raise CallerGone from None
                told = error if isinstance(error, ChatError) else stopping()
                if not way.started:
                    raise told from None
                record_of(scope).error = told.code or ""
                raise BrokenOff from error

    async def _pass_on(self, scope: Scope, way: _Way) -> None:
        async with self._held as media:
            way.expect(media.length or 0)
            async for chunk in media.chunks:
                if not chunk:
                    continue
                way.take_room(len(chunk))
                if not way.started:
                    about_it = about(record_of(scope).provider, [*self._ignored, *media.ignored])
                    await way.start([*_described(media), *about_it])
                await way.write(chunk)
            if not way.started:
                raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        await way.end()


class _Way:
    """The way to the caller. `room` is how many bytes the platform lets through."""

    def __init__(self, send: Send, stuck_after: float, room: float) -> None:
        self.started = False
        self._send = send
        self._stuck_after = stuck_after
        self._room = room

    def expect(self, size: int) -> None:
        """Raises `ChatError` where there is no room for `size` more bytes."""
        if size > self._room:
            error = ChatError("The answer is longer than this platform lets through.", code="answer_too_long")
            error.costly = True  # and will be just as long next time
            raise error

    def take_room(self, size: int) -> None:
        self.expect(size)
        self._room -= size

    async def start(self, told: Iterable[tuple[str, str]]) -> None:
        headers = [*((name.encode(), value.encode("latin-1", "replace")) for name, value in told), *_HEADERS]
        self.started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write(self, chunk: bytes, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(self._stuck_after):
                await self._send({"type": "http.response.body", "body": chunk, "more_body": more})
        except TimeoutError:
            raise CallerGone from None

    async def end(self) -> None:
        await self.write(b"", more=False)


def _described(media: Media) -> list[tuple[str, str]]:
    """A length lets also those see a cut who are told the end by nothing but the end of the connection."""
    told = [("content-type", _harmless(media.media_type))]
    return told if media.length is None else [*told, ("content-length", str(media.length))]


def _harmless(media_type: str) -> str:
    """Whatever an upstream calls it, no browser shall take it for a page.

    So it is one plain type: of several in a row a browser believes the last, and whatever ends in +xml it runs.
    """
    essence, _, parameters = media_type.partition(";")
    kind, _, subtype = essence.strip().lower().partition("/")
    is_plain = subtype and _PLAIN.issuperset(subtype) and not subtype.endswith("+xml")
    if kind not in {"audio", "video"} or not is_plain:
        return "application/octet-stream"
    return media_type if _PLAIN_PARAMETERS.issuperset(parameters.lower()) else essence.strip()
