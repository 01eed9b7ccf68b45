"""A gateway whose answers a test writes itself, and a caller who hears what comes of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from starlette.types import Message

from core.api.shared.state import start_record
from core.chat.events import Batch
from core.chat.requests import ChatRequest
from core.chat.requests import Message as Turn
from core.chat.settings import GatewaySettings
from core.gateway.answer import Answer
from core.gateway.record import Record

Script = Callable[[ChatRequest], AsyncGenerator[Batch]]


class ScriptedAnswer(Answer):
    """Plays one script; `closed` once nobody will read it any more."""

    def __init__(self, batches: AsyncGenerator[Batch], notices: Sequence[str], emulated: Sequence[str]) -> None:
        self.provider = "stage"
        self.notices = list(notices)
        self.emulated = tuple(emulated)
        self.closed = False
        self._batches = batches

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self._batches

    async def aclose(self) -> None:
        await self._batches.aclose()
        self.closed = True


class ScriptedGateway:
    """Opens an answer for each request; `opening` may hold one back, or refuse it."""

    def __init__(
        self, script: Script, *, notices: Sequence[str] = (), emulated: Sequence[str] = (), **settings: Any
    ) -> None:
        self.settings = GatewaySettings(**settings)
        self.answers: list[ScriptedAnswer] = []
        self._script = script
        self._notices = notices
        self._emulated = emulated

    async def opening(self, request: ChatRequest) -> None:
        """Before an answer is open."""

    async def open(self, request: ChatRequest, record: Record, *, remaining: float | None = None) -> ScriptedAnswer:
        await self.opening(request)
        self.answers.append(ScriptedAnswer(self._script(request), self._notices, self._emulated))
        return self.answers[-1]

    def redact(self, text: str) -> str:
        return text.replace("CANARY", "…")


class Caller:
    """Hears what an app sends, until it leaves."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.heard: list[Message] = []
        self._more = asyncio.Event()
        self.scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}
        self.record = start_record(self.scope)

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)
        self._more.set()

    async def until(self, condition: Callable[[Caller], bool]) -> None:
        """Returns when what was heard fulfils `condition`."""
        while not condition(self):
            self._more.clear()
            await self._more.wait()

    async def ask(self, app: Any) -> None:
        await app(self.scope, self.receive, self.send)

    @property
    def status(self) -> int:
        return int(self.heard[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.heard[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.heard[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(text: str = "hello", *, stream: bool = False) -> ChatRequest:
    return ChatRequest("m", (Turn("user", text),), stream)
