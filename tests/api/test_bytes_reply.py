"""Bytes as they arrive: nothing before the first, everything in order, and no end where there was none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Message

from core.api.shared.bytes_reply import BrokenOff, BytesReply
from core.api.shared.hangup import CallerGone
from core.api.shared.state import grant
from core.chat.errors import ChatError, UpstreamTruncated
from core.chat.media import Media
from tests.api.stage import Caller


class Stock:
    """What a gateway holds; `open` until its block is left. At `...` it has come to where it `waits` for ever."""

    def __init__(
        self,
        *chunks: Any,
        media_type: str = "audio/mpeg",
        ignored: tuple[str, ...] = (),
        length: int | None = None,
    ) -> None:
        self.open = False
        self.waits = asyncio.Event()
        self._media_type = media_type
        self._chunks = chunks
        self._ignored = ignored
        self._length = length

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Media]:
        self.open = True
        try:
            yield Media(self._media_type, self._read(), self._ignored, self._length)
        finally:
            self.open = False

    async def _read(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            if isinstance(chunk, BaseException):
                raise chunk
            if chunk is ...:
                self.waits.set()
                await asyncio.Event().wait()
            yield chunk

    def reply(self, stuck_after: float = 60.0, ignored: tuple[str, ...] = ()) -> BytesReply:
        return BytesReply(self.held(), stuck_after, ignored)


async def failing(reply: BytesReply, caller: Caller, kind: type[BaseException]) -> Any:
    with pytest.raises(kind) as raised:
        await caller.ask(reply)
    return raised.value


def is_whole(caller: Caller) -> bool:
    return caller.heard[-1].get("more_body") is False


async def test_the_bytes_arrive_in_order_with_their_type_and_an_end() -> None:
    stock, caller = Stock(b"ab", b"", b"c", ignored=("speed",)), Caller()
    caller.record.provider = "voices"
    await caller.ask(stock.reply(ignored=("api_key",)))

    assert [message["body"] for message in caller.heard[1:]] == [b"ab", b"c", b""]
    assert [message["more_body"] for message in caller.heard[1:]] == [True, True, False]
    assert (caller.status, stock.open) == (200, False)
    assert caller.headers == {
        "content-type": "audio/mpeg",
        "x-any2api-provider": "voices",
        "x-ignored-params": "api_key, speed",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("video/mp4", "video/mp4"),
        ("audio/L16; rate=24000", "audio/L16; rate=24000"),
        ('video/mp4; codecs="avc1.42E01E, mp4a.40.2"', "video/mp4"),
        ("audio/mpeg; charset=x, text/html", "audio/mpeg"),
        ("audio/mpeg;\r\nX-Injected: yes", "audio/mpeg"),
        *(
            (page, "application/octet-stream")
            for page in [
                "text/html",
                "",
                "audio",
                "audio/",
                "/mpeg",
                "audio/mpeg, text/html",
                "audio/mpeg text/html",
                "video/x+xml",
                "audio/svg+XML; x=y",
                "video/é",
                "audio/mpeg\r\nX-Injected: yes",
                "audio/mpeg\0",
            ]
        ),
    ],
)
async def test_no_upstream_can_pass_off_a_page(named: str, told: str) -> None:
    caller = Caller()
    await caller.ask(Stock(b"<script>", media_type=named).reply())

    assert caller.headers["content-type"] == told


async def test_each_chunk_goes_out_before_the_next_is_there() -> None:
    stock, caller = Stock(b"ab", ...), Caller()
    asking = asyncio.create_task(caller.ask(stock.reply()))
    await caller.until(lambda heard: len(heard.heard) == 2)

    assert caller.body == b"ab"
    caller.gone.set()
    with pytest.raises(CallerGone):
        await asking


async def test_before_the_first_byte_a_failure_is_left_to_the_status_line() -> None:
    stock, caller = Stock(b"", UpstreamTruncated()), Caller()
    failure = await failing(stock.reply(), caller, ChatError)

    assert (failure.code, caller.heard, stock.open) == ("upstream_truncated", [], False)


@pytest.mark.parametrize("chunks", [(), (b"", b"")])
async def test_nothing_at_all_is_a_failure(chunks: Any) -> None:
    caller = Caller()
    failure = await failing(Stock(*chunks).reply(), caller, ChatError)

    assert (failure.status, failure.code, caller.heard) == (502, "upstream_empty", [])


async def test_after_it_a_failure_breaks_the_answer_off() -> None:
    stock, caller = Stock(b"ab", UpstreamTruncated()), Caller()
    await failing(stock.reply(), caller, BrokenOff)

    assert (caller.body, is_whole(caller), stock.open) == (b"ab", False, False)
    assert caller.record.error == "upstream_truncated"


async def test_breaking_off_is_no_exception_that_anybody_takes_for_a_bug() -> None:
    assert not issubclass(BrokenOff, Exception)


async def test_a_bug_stays_one() -> None:
    caller = Caller()
    await failing(Stock(b"ab", KeyError("x")).reply(), caller, KeyError)

    assert not is_whole(caller)


@pytest.mark.parametrize("chunks", [(...,), (b"ab", ...)])
async def test_a_hang_up_closes_what_is_held(chunks: Any) -> None:
    stock, caller = Stock(*chunks), Caller()
    asking = asyncio.create_task(caller.ask(stock.reply()))
    await stock.waits.wait()
    caller.gone.set()

    with pytest.raises(CallerGone):
        await asking
    assert not stock.open


@pytest.mark.parametrize("stuck_at", [b"ab", b""])
async def test_a_caller_who_does_not_read_has_left(stuck_at: bytes) -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.body" and message["body"] == stuck_at:
            await asyncio.Event().wait()

    stock, caller = Stock(b"ab"), Caller()
    with pytest.raises(CallerGone):
        await stock.reply(stuck_after=0.01)(caller.scope, caller.receive, send)
    assert not stock.open


@pytest.mark.parametrize(("chunks", "kind"), [((b"ab", ...), BrokenOff), ((...,), ChatError)])
async def test_a_server_that_stops_says_so_where_it_still_can(chunks: Any, kind: type[BaseException]) -> None:
    stock, caller = Stock(*chunks), Caller()
    asking = asyncio.create_task(caller.ask(stock.reply()))
    await stock.waits.wait()
    asking.cancel()

    with pytest.raises(kind):
        await asking
    assert not stock.open


async def test_what_the_platform_would_cut_is_broken_off() -> None:
    caller = Caller()
    grant(caller.scope, 300, 5)
    await failing(Stock(b"abc", b"def").reply(), caller, BrokenOff)

    assert (caller.body, caller.record.error) == (b"abc", "answer_too_long")


async def test_where_not_even_the_first_bytes_have_room_there_is_a_status() -> None:
    caller = Caller()
    grant(caller.scope, 300, 5)
    failure = await failing(Stock(b"abcdef").reply(), caller, ChatError)

    assert (failure.code, failure.costly, caller.heard) == ("answer_too_long", True, [])


async def test_what_is_known_to_be_too_long_is_not_even_begun() -> None:
    stock, caller = Stock(b"abc", ..., length=6), Caller()
    grant(caller.scope, 300, 5)
    failure = await failing(stock.reply(), caller, ChatError)

    assert (failure.code, caller.heard, stock.open) == ("answer_too_long", [], False)


@pytest.mark.parametrize(("length", "told"), [(3, "3"), (None, None)])
async def test_a_length_that_is_known_is_told(length: int | None, told: str | None) -> None:
    caller = Caller()
    await caller.ask(Stock(b"ab", b"c", length=length).reply())

    assert caller.headers.get("content-length") == told
