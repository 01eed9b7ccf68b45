"""A site whose models know nothing but text, in gptanon's words and in FlowGPT's; it runs in a thread of its own.

A model is a function of the whole prompt. One that is to call tools reads the marks for it in the prompt, as a real
one would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.loops import LoopThread
from tests.support.upstream import Seen, Wire, upstream

PIECE = 7
"""Characters that come at once: marks, names and numbers are cut in the middle."""


@dataclass(frozen=True)
class Prompt:
    """All that a model is sent, as one text."""

    text: str

    @property
    def marks(self) -> str:
        """The random part of the marks for tools; fails where there is none."""
        found = re.search(r"<tool_call_([0-9a-z]+)>", self.text)
        assert found, "nobody told the model how to call"
        return found[1]

    @property
    def results(self) -> list[str]:
        """What the tools gave so far."""
        mark = f"tool_result_{self.marks}"
        return re.findall(rf"<{mark}[^>]*>\n(.*?)\n</{mark}>", self.text, re.DOTALL)

    def call(self, name: str, **arguments: Any) -> str:
        """A call as the model was told to write it."""
        mark = f"tool_call_{self.marks}"
        return f"<{mark}>\n{json.dumps({'name': name, 'arguments': arguments})}\n</{mark}>"


Model = Callable[[Prompt], str]


class TextUpstream:
    """`url` is where it listens; `prompts` are all that its models were sent."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self.url = ""
        self.prompts: list[Prompt] = []
        self._models = models
        self._conversations: list[str] = []

    async def answer(self, seen: Seen, wire: Wire) -> None:
        """The script of the upstream."""
        match seen.path:
            case "/api/chat/stream":
                [model] = seen.json["modelIds"]
                text = self._said(model, seen.json["message"])
                events = [{"type": "token", "token": piece} for piece in pieces(text)] + [{"type": "done"}]
                await stream(wire, "text/event-stream", [b"data: %s\n\n" % each for each in map(encoded, events)])
            case "/conversation/create":
                turns = [f"{turn['role']}: {turn['content']}" for turn in seen.json["messages"]]
                self._conversations.append("\n\n".join(turns))
                await wire.reply(200, json.dumps({"id": str(len(self._conversations) - 1)}))
            case "/v3/chat":
                text = self._said(seen.json["promptId"], self._conversations[int(seen.json["conversationId"])])
                lines = [{"event": "text", "data": piece} for piece in pieces(text)]
                await stream(wire, "application/x-ndjson", [encoded(each) + b"\n" for each in lines])
            case path:
                await wire.reply(404, path)

    def _said(self, model: str, text: str) -> str:
        self.prompts.append(Prompt(text))
        return self._models[model](self.prompts[-1])


@contextmanager
def text_upstream(models: Mapping[str, Model]) -> Iterator[TextUpstream]:
    """Serve these models until the end of the block."""
    server = TextUpstream(models)
    with LoopThread() as thread:
        server.url = thread.enter(upstream(server.answer)).url
        yield server


def pieces(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


async def stream(wire: Wire, content_type: str, events: list[bytes]) -> None:
    """The events in three reads."""
    await wire.head(200, content_type=content_type)
    third = len(events) // 3
    for part in (events[:third], events[third : 2 * third], events[2 * third :]):
        if part:
            await wire.chunk(b"".join(part))
    await wire.finish()
