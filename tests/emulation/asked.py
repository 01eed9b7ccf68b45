"""An upstream without sockets: it answers what a test wants, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from hypothesis import settings
from hypothesis import strategies as st

from core.chat.events import (
    Batch,
    Finish,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
)
from core.chat.requests import ChatRequest, Message
from core.emulation.transforms import Transform

ASKED = ChatRequest("m", (Message("user", "hi"),))
STOP = Finish("stop")

unhurried = settings(deadline=None)
"""On a busy machine an example takes as long as it takes."""


class Upstream:
    """Gives one script after the other, the last one again and again. `asked` are the requests, `closed` counts."""

    def __init__(self, *scripts: Sequence[Batch | Exception]) -> None:
        self.scripts = list(scripts)
        self.asked: list[ChatRequest] = []
        self.closed = 0

    async def ask(self, request: ChatRequest) -> AsyncGenerator[Batch]:
        self.asked.append(request)
        script = self.scripts[0] if len(self.scripts) == 1 else self.scripts.pop(0)
        try:
            for act in script:
                if isinstance(act, Exception):
                    raise act
                yield act
        finally:
            self.closed += 1


def says(*texts: str, end: Finish = STOP) -> Sequence[Batch]:
    """An answer of text, a batch for each piece."""
    return [*([TextDelta(text)] for text in texts if text), [end]]


async def events_of(stream: AsyncIterator[Batch]) -> list[StreamEvent]:
    return [event async for batch in stream for event in batch]


def run(transform: Transform, *batches: Batch) -> list[StreamEvent]:
    """What comes out until the answer is finished."""
    passed: list[StreamEvent] = []
    for batch in batches:
        passed += transform.pass_on(batch)
        if passed and isinstance(passed[-1], Finish):
            break
    return passed


def joined(events: Sequence[StreamEvent]) -> list[StreamEvent]:
    """The same answer with neighbours of one kind as one event, and what was replaced gone."""
    whole: list[StreamEvent] = []
    for event in events:
        before = whole[-1] if whole else None
        if isinstance(event, TextReplacement):
            whole = [each for each in whole if not isinstance(each, TextDelta)]
            whole += [TextDelta(event.text)] if event.text else []
        elif isinstance(event, TextDelta | ReasoningDelta) and type(before) is type(event):
            whole[-1] = type(event)(before.text + event.text)  # type: ignore[union-attr]  # of the same type
        elif isinstance(event, ToolCallDelta) and isinstance(before, ToolCallDelta):
            whole[-1] = ToolCallDelta(event.call_id, before.arguments + event.arguments)
        else:
            whole.append(event)
    return whole


def call(call_id: str, arguments: str, name: str = "f") -> list[StreamEvent]:
    return [ToolCallStart(call_id, name), ToolCallDelta(call_id, arguments)]


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    """`text` in pieces."""
    places = sorted(draw(st.sets(st.integers(1, max(len(text) - 1, 1)), max_size=8))) if len(text) > 1 else []
    return [piece for piece in (text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)) if piece]
