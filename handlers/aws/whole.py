"""Answers that are held back until they are whole, for whoever takes no others."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.api.shared.errors import error_response
from core.api.shared.state import record_of
from core.chat.errors import ChatError

ROOM = 4_400_000
"""Bytes of an answer: Lambda takes 6 MB, and of sound and films it counts them as base64."""

_OF_THE_CONTENT = frozenset({b"content-type", b"content-length"})


class Whole:
    """Wraps the app: an answer that breaks off, or is too long, becomes the failure that it is.

    Nothing of it has gone out yet, and nobody could tell half of a film from the whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said: list[Message] = []

        async def hold(message: Message) -> None:
            said.append(message)

        await self._app(scope, receive, hold)
        start, *parts = said or [{"headers": []}]
        if not parts or parts[-1].get("more_body", False):
            code = record_of(scope).error or "upstream_truncated"
            await _fail(ChatError("The answer broke off.", status=502, code=code), start, scope, receive, send)
        elif sum(len(part.get("body", b"")) for part in parts) > ROOM:
            error = ChatError("The answer is longer than this platform lets through.", code="answer_too_long")
            await _fail(error, start, scope, receive, send)
        else:
            for message in said:
                await send(message)


async def _fail(error: ChatError, start: Message, scope: Scope, receive: Receive, send: Send) -> None:
    """`error` with what else the headers of the answer said. It had begun, so its upstream wants to be paid for it."""
    error.costly = True
    kept = [(name, value) for name, value in start["headers"] if name.lower() not in _OF_THE_CONTENT]

    async def join(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *kept]}
        await send(message)

    await error_response(error)(scope, receive, join)
