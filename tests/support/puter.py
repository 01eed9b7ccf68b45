"""Real exchanges with Puter's backend, one to a line, and what callers asked of us to have them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.api.chat_completions import parse
from core.chat.requests import ChatRequest
from core.wire.frames import Framing
from core.wire.jsonvalues import JsonValuesFraming
from core.wire.lines import LineFraming
from tests.support.recordings import Recording
from tests.support.upstream import Script, Seen, Wire

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
