"""The front door: every request passes it once, whatever becomes of it.

Gives each request an id, finds the path that a client meant, answers preflights, puts CORS headers on every answer,
and writes one line in the log. Pure ASGI, so that it neither buffers a stream nor hides a hang-up.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.api.shared.bytes_reply import BrokenOff
from core.api.shared.hangup import CallerGone
from core.api.shared.log import Redactor, log_failure, log_request
from core.api.shared.state import start_record
from core.gateway.activity import Activity

CALLER_GONE = 499
_NAMES = "chat/completions|completions|models|responses|messages|embeddings|images|videos|audio"
_ENDPOINTS = re.compile(rf"(?i)(?:/v1)*/({_NAMES})(/.*)?")
_DOUBLED = re.compile(rf"(?i)(?:/chat/completions|/completions|/responses|/messages)+(?:/v1)*(?=/(?:{_NAMES})\b)")
_SAFE = re.compile(rb"[\w!#$%&'*+.^`|~, \t-]{1,2048}")
_EXPOSED = (
    b"x-request-id, request-id, retry-after, x-should-retry, openai-poll-after-ms, "
    b"x-ignored-params, x-usage-estimated, x-any2api-provider, x-any2api-emulated"
)
_METHODS = b"GET, HEAD, POST, OPTIONS"


class Front:
    """Wraps the app. `origins` are those whose pages may read our answers; "*" is everyone's.

    `activity` gets every chat of a caller with a valid key, so that nobody else can push them out of it.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str], redact: Redactor, activity: Activity) -> None:
        self._app = app
        self._redact = redact
        self._activity = activity
        self._any_origin = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = start_record(scope)
        passage = Passage(send, [*self._cors(scope), *_identity(scope)])
        started = time.perf_counter()
        try:
            if scope["method"] == "OPTIONS":
                await passage.send(_preflight(scope))
                await passage.send({"type": "http.response.body", "body": b""})
            else:
                await self._app({**scope, "path": meant_path(scope["path"])}, receive, passage.send)
        except CallerGone:
            passage.status = CALLER_GONE
        except BrokenOff:
            pass  # the server closes the connection of an answer that did not end
        except Exception as error:  # noqa: BLE001  # the app has answered 500 or broken off; left is to say why, here
            record.cause = error
        if record.cause is not None:
            log_failure(scope, record.cause, self._redact)
        seconds = time.perf_counter() - started
        log_request(scope, passage.status, seconds, record, self._redact)
        if record.caller and scope["method"] == "POST":
            self._activity.add(scope["any2api.id"], scope["path"], passage.status, seconds, record)

    def _cors(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        exposed = (b"access-control-expose-headers", _EXPOSED)
        if self._any_origin:
            return [(b"access-control-allow-origin", b"*"), exposed]
        origin, varies = _header(scope, b"origin"), (b"vary", b"Origin")
        if origin not in self._origins:
            return [varies]
        return [(b"access-control-allow-origin", origin), exposed, varies]


class Passage:
    """Adds the headers that every answer has, and remembers the status that went out (0: none yet)."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = 0
        self._send = send
        self._headers = headers

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
        await self._send(message)


def meant_path(path: str) -> str:
    """The path that a client means: `/v1` once, whatever its settings put twice, added or left out.

    Served in place, since a redirect would lose the body and the key.
    """
    path = re.sub(r"/{2,}", "/", path)
    path = path.rstrip("/") or "/"
    path = _DOUBLED.sub("", path)
    found = _ENDPOINTS.fullmatch(path)
    return f"/v1/{found[1].lower()}{found[2] or ''}" if found else path


def _identity(scope: Scope) -> list[tuple[bytes, bytes]]:
    scope["any2api.id"] = identity = "req_" + secrets.token_hex(12)
    return [(b"x-request-id", identity.encode()), (b"request-id", identity.encode())]


def _preflight(scope: Scope) -> Message:
    """Needs no key. Every header that is asked for is allowed by name, since "*" does not cover Authorization."""
    asked = _header(scope, b"access-control-request-headers")
    headers = [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"Access-Control-Request-Headers"),
    ]
    if _SAFE.fullmatch(asked):
        headers.append((b"access-control-allow-headers", asked))
    if _header(scope, b"access-control-request-private-network"):
        headers.append((b"access-control-allow-private-network", b"true"))
    return {"type": "http.response.start", "status": 204, "headers": headers}


def _header(scope: Scope, name: bytes) -> bytes:
    value: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return value
