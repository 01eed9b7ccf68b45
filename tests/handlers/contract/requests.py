"""What is asked of every artefact, and how its answers are compared: without what differs from call to call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.caller import CHAT, COMPLETIONS, Said, call
from tests.support.gateway import KEY

PROMPT = "Grüße, 世界 🌍"
TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]
COMPARED = (
    *("content-type", "cache-control", "x-accel-buffering", "allow", "vary", "retry-after", "www-authenticate"),
    *("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"),
    *("access-control-expose-headers", "access-control-max-age"),
    *("x-any2api-provider", "x-ignored-params", "x-usage-estimated"),
)
"""Headers that are ours; the others belong to the platform."""

_CHANGING: Final = (
    (re.compile(rb'"(?:chatcmpl|cmpl|req|call)[-_]\w+"'), b'"an-id"'),
    (re.compile(rb'"created":\d+'), b'"created":0'),
)


@dataclass(frozen=True)
class Ask:
    """A request; with a valid key unless `headers` say otherwise. `status` is what it is to be answered with."""

    body: Any = b""
    path: str = CHAT
    method: str = "POST"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    status: int = 200


def chat(model: str, status: int = 200, **body: Any) -> Ask:
    return Ask({"model": model, "messages": [{"role": "user", "content": PROMPT}], **body}, status=status)


def get(path: str, status: int = 200, *, method: str = "GET", **headers: str | None) -> Ask:
    return Ask(b"", path, method, {name.replace("_", "-"): value for name, value in headers.items()}, status)


ASKED: Mapping[str, Ask] = {
    "greeting": get("/", Authorization=None),
    "health": get("/healthz", Authorization=None),
    "models": get("/v1/models"),
    "models, head only": get("/v1/models", method="HEAD"),
    "a model with a slash": get("/v1/models/vendor/echo"),
    "a model that is not there": get("/v1/models/none", 404),
    "whole": chat("echo"),
    "streamed": chat("echo", stream=True, stream_options={"include_usage": True}),
    "streamed, byte by byte upstream": chat("bytewise", stream=True),
    "two megabytes in one event": chat("big", stream=True),
    "tools": chat("tools", stream=True, tools=TOOLS),
    "tools, whole": chat("tools", tools=TOOLS),
    "reasoning": chat("reasoning", stream=True),
    "several choices": chat("echo", n=2),
    "ignored parameters": chat("echo", nonsense=1),
    "text completion": Ask({"model": "echo", "prompt": PROMPT, "stream": True}, COMPLETIONS),
    "a path that a client has doubled": Ask(chat("echo").body, "/v1/v1/chat/completions/"),
    "another header for the key": get("/v1/models/echo", Authorization=None, X_Api_Key=KEY),
    "no key": get("/v1/models", 401, Authorization=None),
    "a wrong key": get("/v1/models", 401, Authorization="Bearer wrong"),
    "a key in the URL": get("/v1/models?key=1", 401, Authorization=None),
    "no JSON": Ask(b"{", status=400),
    "a form": Ask(b"a=1", headers={"Content-Type": "application/x-www-form-urlencoded"}, status=415),
    "a body that is too large": Ask(b" " * (4 * 1024 * 1024 + 1), status=413),
    "a model that nobody has": chat("none", 404),
    "an unknown path": get("/v1/nothing", 404),
    "a method that is not allowed": get(CHAT, 405),
    "a preflight": get(CHAT, 204, method="OPTIONS", Access_Control_Request_Headers="x-one, x-two"),
    "refused upstream": chat("fails-400", 400),
    "broken off upstream, whole": chat("breaks-error", 502),
    "an error in the stream": chat("breaks-error", stream=True),
    "a stream that upstream cuts off": chat("breaks-close", stream=True),
    "a credential that upstream refuses": chat("spent/fails-401", 503, stream=True),
}


@dataclass(frozen=True)
class Transcript:
    """An answer as far as two artefacts must agree on it."""

    status: int
    headers: Mapping[str, str]
    content: str

    @classmethod
    def of(cls, said: Said) -> Transcript:
        content = said.content
        for changing, instead in _CHANGING:
            content = changing.sub(instead, content)
        headers = {name: said.headers[name] for name in COMPARED if name in said.headers}
        return cls(said.status, headers, content.decode())


async def ask(url: str, asked: Ask) -> Said:
    body = asked.body
    return await call(url, body, path=asked.path, method=asked.method, headers=asked.headers)
