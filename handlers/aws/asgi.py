"""One HTTP invocation: the app runs in its event loop, and its messages go out from the thread that talks to Lambda.

Two threads, so that the clock is never in the app's hands. An app that blocks the loop or ignores its cancellation
cannot keep us from ending its answer before Lambda kills the sandbox, which would cut the answer off without a word.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import TypeAlias

from mangum import Mangum
from mangum.handlers import APIGateway, HTTPGateway
from starlette.types import ASGIApp, Message, Scope

from core.api.shared.errors import error_object, json_bytes
from core.chat.errors import ChatError
from core.chat.redact import redact
from handlers.aws.runtime_api import Context, ResponseStream

ENDING = 1.0
"""Seconds before Lambda's deadline at which an answer is ended, whatever the app does; the core ends it sooner."""

GRACE = 0.5
"""Seconds that a cancelled app has for its last moments, and that are left at the deadline after the last write."""

BUFFER = 64 * 1024
"""Bytes that may wait to be sent before the app has to."""

_LOG = logging.getLogger("any2api.lambda")
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)

Item: TypeAlias = Message | ChatError | None
"""What passes from the app to the platform: a message, why the answer must end here, or that the app has returned."""


def http_request(mangum: Mangum, event: object, context: Context) -> tuple[Scope, bytes] | None:
    """The request in an event of a function URL or of API Gateway, as Mangum reads it; None for anything else."""
    try:
        handler = mangum.infer(event, context)  # type: ignore[arg-type]  # an event can be any JSON
        if not isinstance(handler, HTTPGateway | APIGateway):
            return None
        scope, body = handler.scope, handler.body
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError):
        return None
    # From 2.4 on, a server says by an error in `send` that the caller is gone; Starlette then starts no listener.
    scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
    return scope, body


class Exchange:
    """Runs `app` in `loop` for one request, and sends its answer as `stream`."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._scope = scope
        self._loop = loop
        self._items: SimpleQueue[Item] = SimpleQueue()
        self._body: bytes | None = body
        self._reply: Reply | None = None
        self._returned = False
        self._unsent = 0
        self._room = asyncio.Event()

    def run(self, stream: ResponseStream, seconds: float) -> bool:
        """Returns when the answer is out, and the app has let go: False where it has not.

        `seconds` is what the platform still grants.
        """
        deadline = time.monotonic() + seconds
        self._reply = reply = Reply(stream)
        running = asyncio.run_coroutine_threadsafe(self._run(), self._loop)
        try:
            while not reply.over:
                self._pass_on(reply, self._next(deadline - ENDING))
        except OSError as error:
            reply.over = True
            _LOG.warning("nobody takes the answer any more: %s", error)
        if reply.whole and self._wait(deadline - ENDING):
            return True
        running.cancel()
        return self._wait(time.monotonic() + GRACE)

    def stop(self, error: ChatError) -> None:
        """End the answer with `error`. May be called from a signal handler."""
        self._items.put(error)

    # In the thread that talks to Lambda

    def _next(self, until: float) -> Item:
        """What comes next, or that time is over."""
        try:
            if (patience := until - time.monotonic()) > 0:
                return self._items.get(timeout=patience)
        except Empty:
            pass
        return ChatError("The time for this answer is over.", status=504, code="deadline_exceeded")

    def _pass_on(self, reply: Reply, item: Item) -> None:
        if item is None:
            self._returned = True
            item = ChatError("Something went wrong here.")
        if isinstance(item, ChatError):
            _LOG.error("an answer was broken off: %s", item.code)
            reply.break_off(item)
            return
        reply.pass_on(item)
        if size := len(item.get("body", b"")):
            self._loop.call_soon_threadsafe(self._sent, size)

    def _wait(self, until: float) -> bool:
        """Whether the app has returned. What it still says goes nowhere."""
        while not self._returned:
            try:
                self._returned = self._items.get(timeout=max(until - time.monotonic(), 0)) is None
            except Empty:
                break
        return self._returned

    # In the app's event loop

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001  # an app may raise anything; the answer ends lawfully all the same
            _LOG.error("the app failed", extra={"trace": redact("".join(traceback.format_exception(error)))})
        finally:
            self._items.put(None)

    async def _receive(self) -> Message:
        if self._body is None:
            await asyncio.Event().wait()  # Lambda never tells that a caller hung up
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: Message) -> None:
        assert self._reply is not None  # noqa: S101  # set before the app starts
        if self._reply.over:
            raise OSError("The answer has ended.")
        self._unsent += len(message.get("body", b""))
        self._items.put(message)
        if self._unsent > BUFFER:
            self._room.clear()
            await self._room.wait()

    def _sent(self, size: int) -> None:
        self._unsent -= size
        if self._unsent <= BUFFER:
            self._room.set()


class Reply:
    """Turns ASGI's messages into the platform's answer, and ends it lawfully where they stop.

    `over` says that nothing more can be sent, `whole` that the app came to the end of its answer.
    """

    def __init__(self, stream: ResponseStream) -> None:
        self.over = self.whole = False
        self._stream = stream
        self._started = self._events = self._written = False

    def pass_on(self, message: Message) -> None:
        """Send one message of the app."""
        if message["type"] == "http.response.start":
            self._start(message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._write(message.get("body", b""))
            if not message.get("more_body", False):
                self._end()
                self.whole = True

    def break_off(self, error: ChatError) -> None:
        """End the answer: a status line if there is still time for one, an event in a stream of events, else a cut."""
        body = json_bytes(error_object(error))
        if not self._started:
            self._start(error.status, [(b"content-type", b"application/json")])
            self._write(body)
            self._end()
        elif self._events:
            self._write(b"data: " + body + b"\n\n")
            self._end()
        else:
            self.over = True
            self._stream.fail(error.code or error.type, error.message)

    def _start(self, status: int, raw_headers: Iterable[tuple[bytes, bytes]]) -> None:
        headers: dict[str, str] = {}
        cookies: list[str] = []
        for raw_name, raw_value in raw_headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            if name == "set-cookie":
                cookies.append(value)
            elif name not in _OF_THE_CONNECTION:
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self._started = True
        self._events = headers.get("content-type", "").startswith("text/event-stream")
        self._stream.start(status, headers, cookies)

    def _write(self, data: bytes) -> None:
        if data:
            self._written = True
            self._stream.write(data)

    def _end(self) -> None:
        self.over = True
        if not self._written:
            # Lambda has been seen to hold a stream without any body open until the function's timeout
            # (aws-lambda-nodejs-runtime-interface-client#95, aws-lambda-web-adapter#499). One byte avoids it; where
            # HTTP forbids a body, the front drops it.
            self._stream.write(b"\n")
        self._stream.end()
