"""A service that speaks OpenAI's chat.completions: what it answers is chosen by the model's name.

It runs in a thread of its own. What it was asked, who hung up and how many answers are open at once can be looked at
and waited for from any thread; a gate holds back the rest of an answer until a test opens it.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.loops import PATIENCE, LoopThread
from tests.support.openai_media import FAULTS, MODELS, OpenAIMedia
from tests.support.upstream import Seen, Upstream, Wire, upstream

Behaviour = Callable[["Turn"], Awaitable[None]]

_TOKEN = re.compile(r"\s*\S+\s*|\s+")


class OpenAIUpstream:
    """`url` is its base URL. `asked` are the chat requests in order, `left` the models whose answer nobody awaited.

    With `media` it also makes what that makes.
    """

    def __init__(self, behaviours: Mapping[str, Behaviour], media: OpenAIMedia | None = None) -> None:
        self.url = ""
        self.media = media
        self.asked: list[Seen] = []
        self.left: list[str] = []
        self.open = 0
        self._behaviours = behaviours
        self._changed = threading.Condition()
        self._gate = asyncio.Event()
        self._state: Upstream | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def bodies(self) -> list[Any]:
        """What was asked, as JSON."""
        return [seen.json for seen in self.asked]

    @property
    def connections(self) -> int:
        """How many are open, used or not."""
        assert self._state is not None
        return self._state.open

    def reset(self) -> None:
        """Forget what happened, and close the gate."""
        self.asked.clear()
        self.left.clear()
        self._in_loop(self._gate.clear)

    def open_gate(self) -> None:
        """Let every answer go on that waits at the gate."""
        self._in_loop(self._gate.set)

    def wait(self, condition: Callable[[OpenAIUpstream], bool]) -> None:
        """Returns when `condition` holds; fails where that never happens."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), PATIENCE), "this never came to pass upstream"

    def wait_until_deserted(self) -> None:
        """Returns when no connection is open any more; fails where one stays."""
        assert self._state is not None
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._state.connections(0), self._loop).result(PATIENCE)

    async def answer(self, seen: Seen, wire: Wire) -> None:
        """The script of the upstream."""
        if seen.path.endswith("/models"):
            names = dict.fromkeys([*self._behaviours, *([*MODELS, *FAULTS] if self.media is not None else ())])
            listed = [{"id": name, "object": "model", "owned_by": "tests"} for name in names]
            await wire.reply(200, json.dumps({"object": "list", "data": listed}))
            return
        if self.media is not None and self.media.serves(seen.path):
            await self.media(seen, wire)
            return
        turn = Turn(self, seen, wire)
        self._change(self.asked.append, seen)
        self._count(+1)
        try:
            await self._behaviours.get(turn.model, _unknown)(turn)
        except ConnectionError:
            self._change(self.left.append, turn.model)
            raise
        finally:
            self._count(-1)

    async def at_gate(self, turn: Turn) -> None:
        """Wait until the gate opens. Raises `ConnectionError` where the other side hangs up first."""
        waits = [asyncio.ensure_future(turn.wire.hung_up()), asyncio.ensure_future(self._gate.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[0].done():
                raise ConnectionError
        finally:
            for waiting in waits:
                waiting.cancel()
            await asyncio.wait(waits)

    def _count(self, change: int) -> None:
        with self._changed:
            self.open += change
            self._changed.notify_all()

    def _change(self, change: Callable[[Any], None], value: Any) -> None:
        with self._changed:
            change(value)
            self._changed.notify_all()

    def _in_loop(self, call: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(call)


@contextmanager
def openai_upstream(behaviours: Mapping[str, Behaviour], media: OpenAIMedia | None = None) -> Iterator[OpenAIUpstream]:
    """Serve these models, each under its name, until the end of the block."""
    server = OpenAIUpstream(behaviours, media)
    with LoopThread() as thread:
        server._loop = thread.loop
        server._state = thread.enter(upstream(server.answer))
        server.url = server._state.url + "/v1"
        yield server


class Turn:
    """One request that is being answered: what was asked, and the words for answering it."""

    def __init__(self, server: OpenAIUpstream, seen: Seen, wire: Wire) -> None:
        self.server = server
        self.seen = seen
        self.wire = wire
        self.body: dict[str, Any] = seen.json
        self.model: str = self.body["model"]
        self.tokens = 0

    @property
    def messages(self) -> Sequence[dict[str, Any]]:
        messages: Sequence[dict[str, Any]] = self.body["messages"]
        return messages

    @property
    def prompt(self) -> str:
        """The text of the last message."""
        content = self.messages[-1]["content"]
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)

    async def start(self, **headers: str) -> None:
        """Begin a stream."""
        await self.wire.head(200, **{"content_type": "text/event-stream", **headers})

    async def say(self, text: str, field: str = "content") -> str:
        """Stream `text` token by token, as far as `stop` and the token limit let it; why it ended."""
        stops = self.body.get("stop") or []
        ends = [at for stop in ([stops] if isinstance(stops, str) else stops) if (at := text.find(stop)) >= 0]
        tokens = _TOKEN.findall(text[: min(ends)] if ends else text)
        limit = self.body.get("max_completion_tokens") or self.body.get("max_tokens") or len(tokens)
        for token in tokens[:limit]:
            self.tokens += 1
            await self.event(self.chunk({field: token}))
        return "length" if limit < len(tokens) else "stop"

    async def end(self, reason: str = "stop") -> None:
        """The lawful end: finish reason, usage where it was asked for, [DONE]."""
        await self.event(self.chunk({}, finish_reason=reason))
        if (self.body.get("stream_options") or {}).get("include_usage"):
            await self.event({**self.chunk({}), "choices": [], "usage": self.usage()})
        await self.event(b"[DONE]")
        await self.wire.finish()

    async def event(self, payload: dict[str, Any] | bytes) -> None:
        await self.wire.chunk(sse(payload))

    async def gate(self) -> None:
        await self.server.at_gate(self)

    def chunk(self, delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
        return {
            "id": "chatcmpl-upstream",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": None, **choice}],
        }

    def usage(self) -> dict[str, int]:
        asked = sum(len(json.dumps(message["content"]).split()) for message in self.messages)
        return {"prompt_tokens": asked, "completion_tokens": self.tokens, "total_tokens": asked + self.tokens}


async def _unknown(turn: Turn) -> None:
    error = {"message": f"The model {turn.model} does not exist", "code": "model_not_found"}
    await turn.wire.reply(404, json.dumps({"error": error}))


def sse(payload: dict[str, Any] | bytes) -> bytes:
    """One event with this JSON, or these bytes, as its data."""
    return b"data: %s\n\n" % (payload if isinstance(payload, bytes) else json.dumps(payload).encode())
