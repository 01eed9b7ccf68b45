"""How an answer goes out: streamed as server-sent events, or whole as one JSON object.

Everything runs in the request's own task. Nothing is sent before the gateway's commit point, so that a failure can
still be a status line, except that a stream's headers go out after `commit_after` seconds, with comments that keep
the line open. After that a failure is an event of the stream, without the end that a whole answer has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.api.shared.about import about
from core.api.shared.choices import collect_all, merge, open_choices
from core.api.shared.errors import json_bytes, redact_error
from core.api.shared.hangup import Hangup, stopping
from core.api.shared.state import record_of, remaining_of, room_of
from core.api.shared.toolcalls import OneByOne
from core.chat.completion import Completion
from core.chat.errors import ChatError
from core.chat.events import Batch
from core.chat.requests import ChatRequest, Json
from core.gateway.answer import Answer
from core.gateway.gateway import Gateway

KEEP_ALIVE = 15.0
ENDING = 16 * 1024
"""Bytes that we leave of the platform's room for comments and for saying how it ended."""

_COMMENT = b": keep-alive\n\n"
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class Renderer(Protocol):
    """An API's own envelope around the events of an answer. One object renders one answer."""

    def batch(self, index: int, batch: Batch) -> bytes:
        """The stream's bytes for some events of choice `index`."""
        ...

    def end(self) -> bytes:
        """What closes a stream whose choices have all finished."""
        ...

    def error(self, error: ChatError) -> bytes:
        """What ends a stream that failed."""
        ...

    def whole(self, completions: Sequence[Completion]) -> Json:
        """The answer as one object."""
        ...


class Reply(Response):
    """Opens an answer to each of `chats` (one for each choice) and sends them through `renderer`.

    `ignored` are fields of the request that went nowhere; a header names them.
    """

    def __init__(
        self, gateway: Gateway, chats: Sequence[ChatRequest], renderer: Renderer, ignored: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._chats = chats
        self._renderer = renderer
        self._ignored = ignored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with Hangup(receive) as hangup:
            try:
                if self._chats[0].stream:
                    await self._stream(scope, send, hangup)
                else:
                    await self._whole(scope, receive, send)
            except asyncio.CancelledError:
                if hangup.gone:
                    raise
                raise stopping() from None

    async def _open(self, scope: Scope) -> list[Answer]:
        return await open_choices(self._gateway, self._chats, record_of(scope), remaining_of(scope))

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        answers = await self._open(scope)
        try:
            completions = await collect_all(answers)
        finally:
            for answer in answers:
                await answer.aclose()
        headers = dict(_about(answers, self._ignored))
        if any(done.finish and done.finish.usage and done.finish.usage.estimated for done in completions):
            headers["x-usage-estimated"] = "true"
        body = json_bytes(self._renderer.whole(completions))
        await Response(body, 200, headers, "application/json")(scope, receive, send)

    async def _stream(self, scope: Scope, send: Send, hangup: Hangup) -> None:
        settings = self._gateway.settings
        line = Line(send, hangup, settings.commit_after, settings.idle_timeout, room_of(scope))
        answers: list[Answer] = []
        try:
            answers = await self._open(scope)
            line.headers = _about(answers, self._ignored)
            calls = [OneByOne() for _ in answers]
            async with aclosing(merge(answers)) as batches:
                async for index, batch in batches:
                    if data := self._renderer.batch(index, calls[index].order(batch)):
                        line.take_room(len(data))
                        await line.write(data)
            await line.write(self._renderer.end(), more=False)
        except BaseException as error:
            told = _told(error, hangup.gone)
            if not line.started or told is None:
                raise
            record_of(scope).error = told.code or ""
            redact_error(told, self._gateway.redact)
            await line.write(self._renderer.error(told), more=False)
            if told is not error and isinstance(error, Exception):  # a bug of ours: the log shall have it
                raise
        finally:
            await line.close()
            for answer in answers:
                await answer.aclose()


def _told(error: BaseException, caller_is_gone: bool) -> ChatError | None:
    """What a stream that `error` ended can say in its last words; None where nobody hears them."""
    if isinstance(error, ChatError):
        return error
    if isinstance(error, asyncio.CancelledError) and not caller_is_gone:
        return stopping()
    return ChatError("Something went wrong here.") if isinstance(error, Exception) else None


def _about(answers: Sequence[Answer], ignored: Sequence[str]) -> list[tuple[str, str]]:
    notices = (name for answer in answers for name in answer.notices)
    emulated = (name for answer in answers for name in answer.emulated)
    return about(answers[0].provider, [*ignored, *notices], emulated)


class Line:
    """The way to the caller of a stream: headers with the first byte, a comment when there is nothing to say.

    One timer serves the whole stream; a write costs it two attribute writes. A caller who does not read what we
    write for `stuck_after` seconds is taken for gone. `room` is how many bytes the platform lets through.
    """

    def __init__(self, send: Send, hangup: Hangup, first_comment: float, stuck_after: float, room: float) -> None:
        self.headers: list[tuple[str, str]] = []
        self.started = False
        self._send = send
        self._hangup = hangup
        self._stuck_after = stuck_after
        self._room = room - ENDING
        self._loop = asyncio.get_running_loop()
        self._writing = False
        self._last = self._loop.time()
        self._comment: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(first_comment, self._ring)

    def take_room(self, size: int) -> None:
        """Raises `ChatError` where there is none for `size` more bytes of the answer."""
        self._room -= size
        if self._room < 0:
            raise ChatError("The answer is longer than this platform lets through.", code="answer_too_long")

    async def write(self, data: bytes, *, more: bool = True) -> None:
        self._writing = True
        self._last = self._loop.time()
        if not self.started:
            self.started = True
            headers = [*_STREAM_HEADERS, *((name.encode(), value.encode()) for name, value in self.headers)]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        self._writing = False

    async def close(self) -> None:
        self._timer.cancel()
        if self._comment is not None:
            self._comment.cancel()
            await asyncio.wait([self._comment])

    def _ring(self) -> None:
        quiet = self._loop.time() - self._last
        if self._writing:
            if quiet >= self._stuck_after:
                self._hangup.leave()
                return
            wait = self._stuck_after - quiet
        elif not self.started or quiet >= KEEP_ALIVE:
            self._comment = self._loop.create_task(self.write(_COMMENT))
            wait = KEEP_ALIVE
        else:
            wait = KEEP_ALIVE - quiet
        self._timer = self._loop.call_later(wait, self._ring)
