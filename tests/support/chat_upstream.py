"""A chat service of some kind: what it answers is chosen by the model's name, how it says so by its kind.

It runs in a thread of its own. What it was asked, who hung up and how many answers are open at once can be looked at
and waited for from any thread; a gate holds back the rest of an answer until a test opens it.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, TypeVar

from tests.support.loops import PATIENCE, LoopThread
from tests.support.upstream import Seen, Upstream, Wire, upstream

_TOKEN = re.compile(r"\s*\S+\s*|\s+")


class ChatUpstream:
    """`url` is its base URL. `asked` are the chat requests in order, `left` the models whose answer nobody awaited."""

    def __init__(self, behaviours: Mapping[str, Behaviour], speech: type[Turn]) -> None:
        self.url = ""
        self.asked: list[Seen] = []
        self.turns: list[Turn] = []
        self.left: list[str] = []
        self.open = 0
        self.begun: dict[str, Any] = {}
        """Conversations that were begun apart from their question, by their ids."""
        self._behaviours = behaviours
        self.speech = speech
        self._changed = threading.Condition()
        self._gate = asyncio.Event()
        self._state: Upstream | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def bodies(self) -> list[Any]:
        """What was asked, as JSON."""
        return [seen.json for seen in self.asked]

    @property
    def models(self) -> Sequence[str]:
        return [*self._behaviours]

    @property
    def connections(self) -> int:
        """How many are open, used or not."""
        assert self._state is not None
        return self._state.open

    def reset(self) -> None:
        """Forget what happened, and close the gate."""
        self.asked.clear()
        self.turns.clear()
        self.left.clear()
        self._in_loop(self._gate.clear)

    def open_gate(self) -> None:
        """Let every answer go on that waits at the gate."""
        self._in_loop(self._gate.set)

    def wait(self, condition: Callable[[ChatUpstream], bool]) -> None:
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
        told = self.speech.aside(self, seen)
        if told is not None:
            await wire.reply(200, json.dumps(told))
            return
        turn = self.speech(self, seen, wire)
        self._change(self.turns.append, turn)
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


S = TypeVar("S", bound=ChatUpstream)


@contextmanager
def serving_chats(server: S) -> Iterator[S]:
    """Serve `server` until the end of the block."""
    with LoopThread() as thread:
        server._loop = thread.loop
        server._state = thread.enter(upstream(server.answer))
        server.url = server._state.url + server.speech.root
        yield server


class Said(NamedTuple):
    """A turn of the conversation as it reached the upstream: who said it, and the text."""

    role: str
    text: str


class Turn(ABC):
    """One request that is being answered: what was asked, and the words for answering it in."""

    root: ClassVar[str] = ""
    """What belongs to the base URL behind the address."""

    content_type: ClassVar[str] = "text/event-stream"

    def __init__(self, server: ChatUpstream, seen: Seen, wire: Wire) -> None:
        self.server = server
        self.seen = seen
        self.wire = wire
        self.body: dict[str, Any] = seen.json
        self.tokens = 0

    @classmethod
    @abstractmethod
    def aside(cls, server: ChatUpstream, seen: Seen) -> Any:
        """What is told to a request that is no question; None where it is one."""

    # What was asked

    @property
    @abstractmethod
    def model(self) -> str: ...

    @property
    @abstractmethod
    def conversation(self) -> Sequence[Said]:
        """All that was said, instructions first or where they stood."""

    @property
    def prompt(self) -> str:
        """The text of the last turn."""
        return self.conversation[-1].text

    @property
    def has_result(self) -> bool:
        """Whether the last turn is what a tool said."""
        return self.conversation[-1].role == "tool"

    @property
    def tools(self) -> Sequence[str]:
        """The names of the tools that may be called."""
        return ()

    @property
    def pictures(self) -> Sequence[str]:
        """The pictures in the conversation, as data URLs."""
        return ()

    @property
    def stops(self) -> Sequence[str]:
        return ()

    @property
    def limit(self) -> int | None:
        """The most tokens that the answer may have."""
        return None

    # How it is answered

    async def start(self, **headers: str) -> None:
        """Begin a stream."""
        await self.wire.head(200, **{"content_type": self.content_type, **headers})

    async def say(self, text: str, field: str = "content") -> str:
        """Stream `text` token by token, as far as stop sequences and the token limit let it; why it ended."""
        ends = [at for stop in self.stops if (at := text.find(stop)) >= 0]
        tokens = _TOKEN.findall(text[: min(ends)] if ends else text)
        limit = self.limit or len(tokens)
        for token in tokens[:limit]:
            self.tokens += 1
            await self.piece(token, field)
        return "length" if limit < len(tokens) else "stop"

    async def think(self, text: str) -> None:
        await self.say(text, "reasoning_content")

    @abstractmethod
    async def piece(self, token: str, field: str) -> None:
        """A piece of the answer, or of what comes beside it, by OpenAI's name for that."""

    @abstractmethod
    async def call(self, calls: Sequence[tuple[str, str]]) -> None:
        """Call tools, each by its name with arguments in JSON."""

    @abstractmethod
    async def end(self, reason: str = "stop") -> None:
        """The lawful end; `reason` in OpenAI's words."""

    @abstractmethod
    async def fail(self, message: str) -> None:
        """Say in the middle of the answer that it failed, and end."""

    async def stop(self) -> None:
        """End the HTTP body, and nothing else."""
        await self.wire.finish()

    async def gate(self) -> None:
        await self.server.at_gate(self)

    @property
    def asked_tokens(self) -> int:
        """How many it was asked with; each word counts as one."""
        return sum(len(said.text.split()) for said in self.conversation)


Behaviour = Callable[[Turn], Awaitable[None]]


async def _unknown(turn: Turn) -> None:
    error = {"message": f"The model {turn.model} does not exist", "code": "model_not_found"}
    await turn.wire.reply(404, json.dumps({"error": error}))


def json_bytes(value: Any) -> bytes:
    """As services send it: characters as they are, so that they can be cut."""
    return json.dumps(value, ensure_ascii=False).encode()


def sse(payload: Any) -> bytes:
    """One event with this JSON, or these bytes, as its data."""
    return b"data: %s\n\n" % (payload if isinstance(payload, bytes) else json_bytes(payload))


def line(payload: Any) -> bytes:
    return json_bytes(payload) + b"\n"


def text_of(parts: Any, key: str = "text") -> str:
    """The text of content that is a string, or parts."""
    if isinstance(parts, str) or parts is None:
        return parts or ""
    return "".join(part.get(key, "") for part in parts if isinstance(part, dict))


def joined(texts: Iterable[str]) -> str:
    return "".join(texts)
