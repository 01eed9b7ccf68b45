"""Real exchanges with Puter's backend, one to a line, and what callers asked of us to have them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.api.chat_completions import parse
from core.chat.options import Options
from core.chat.ports import Token
from core.chat.requests import ChatRequest
from core.providers.puter import Provider
from core.wire.client import HttpClient
from core.wire.frames import Framing
from core.wire.jsonvalues import JsonValuesFraming
from core.wire.lines import LineFraming
from tests.support.recordings import Recording
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

TOKEN = Token("puter-1", "not-a-real-token")

_CAPTURES = Path(__file__).parent.parent / "providers" / "recordings" / "puter" / "captures.jsonl"


@dataclass(frozen=True)
class Capture:
    """`request` is the body that Puter was sent, `chunks` the HTTP chunks that it answered with.

    Where it was `cut`, the last chunk never came.
    """

    name: str
    request: dict[str, Any] | None
    status: int
    headers: dict[str, str]
    chunks: list[str]
    cut: bool = False

    @property
    def body(self) -> bytes:
        return "".join(self.chunks).encode()

    @property
    def framing(self) -> Framing:
        return framing_of(self.headers)


def captures() -> dict[str, Capture]:
    """All captures, by the number they were taken under."""
    lines = _CAPTURES.read_text("utf-8").splitlines()
    return {capture.name: capture for capture in (Capture(**json.loads(line)) for line in lines)}


def framing_of(headers: dict[str, str]) -> Framing:
    return JsonValuesFraming() if headers["content-type"].startswith("application/json") else LineFraming()


def caller(**body: Any) -> ChatRequest:
    """The request of a caller who sent us this body."""
    [request], _ = parse(body)
    return request


def caller_of(recording: Recording) -> ChatRequest:
    return caller(**recording.exchange["openai_request"])


def calling(*arguments: str, content: Any = None) -> dict[str, Any]:
    """An assistant's turn with a call for each of `arguments`: c1, c2, …"""
    calls = [
        {"id": f"c{number}", "type": "function", "function": {"name": "look", "arguments": text}}
        for number, text in enumerate(arguments, 1)
    ]
    return {"role": "assistant", "content": content, "tool_calls": calls}


def result(call_id: str, content: Any = "seen") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


@asynccontextmanager
async def connected(script: Script) -> AsyncIterator[tuple[Upstream, Provider]]:
    """A backend that answers by `script`, and the provider for it, which may fetch what lies on this machine."""
    http = HttpClient(private_addresses=True)
    async with upstream(script) as backend:
        try:
            yield backend, Provider(Options("providers.puter", {"base_url": backend.url + "/"}), http)
        finally:
            await http.aclose()


def saying(body: bytes | str, content_type: str = "application/json", status: int = 200) -> Script:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(status, body, content_type=content_type)

    return script


def resulting(result: Any) -> Script:
    """A backend that answers every call with this result, in its envelope."""
    return saying(json.dumps({"success": True, "result": result, "service": {"name": "ai"}}))


def refusing(status: int, code: str, message: str = "No.", **fields: Any) -> Script:
    return saying(json.dumps({"error": message, "message": message, "code": code, **fields}), status=status)


def by_path(otherwise: Script, **scripts: Script) -> Script:
    """A backend that answers as the first part of the path says that is one of these."""

    async def script(seen: Seen, wire: Wire) -> None:
        found = (scripts[part] for part in seen.path.split("/") if part in scripts)
        await next(found, otherwise)(seen, wire)

    return script


def args_of(seen: Seen) -> dict[str, Any]:
    """What a driver was called with."""
    assert (seen.method, seen.path) == ("POST", "/drivers/call")
    assert seen.headers["authorization"] == f"Bearer {TOKEN.secret}"
    assert set(seen.json) == {"interface", "driver", "method", "args"}
    return dict(seen.json["args"])


def answering(capture: Capture) -> Script:
    """A backend that answers as it did then, chunk by chunk."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(capture.status, **{name.replace("-", "_"): value for name, value in capture.headers.items()})
        for chunk in capture.chunks:
            await wire.chunk(chunk.encode())
        if capture.cut:
            wire.close()
        else:
            await wire.finish()

    return script


def replying(recording: Recording) -> Script:
    """A backend that answers with the recording."""

    async def script(_: Seen, wire: Wire) -> None:
        http = recording.expect["http"]
        headers = {name.replace("-", "_"): value for name, value in http["headers"].items()}
        await wire.reply(http["status"], recording.raw, **headers)

    return script
