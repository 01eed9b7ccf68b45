"""Where an answer ends for an upstream that cannot be told: at a stop sequence, or when it has grown too long."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.chat.events import (
    Batch,
    Finish,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
)
from core.chat.tokens import beginning, weigh
from core.dialects.inline import overlap
from core.emulation.transforms import up_to_finish


class StopSequences:
    """Ends the text before the stop sequence that is complete first; holds back only what may begin one."""

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = sequences
        self._pending = ""

    def pass_on(self, batch: Batch) -> Batch:
        return up_to_finish(batch, self._pass)

    def _pass(self, event: StreamEvent) -> list[StreamEvent]:
        match event:
            case TextDelta(text):
                return self._say(self._pending + text, TextDelta)
            case TextReplacement(text):
                return self._say(text, TextReplacement)
            case Notice():
                return [event]
        rest, self._pending = self._pending, ""
        return [TextDelta(rest), event] if rest else [event]

    def _say(self, text: str, kind: type[TextDelta | TextReplacement]) -> list[StreamEvent]:
        found = [(place + len(stop), place, stop) for stop in self._sequences if (place := text.find(stop)) >= 0]
        if found:
            _, kept, stop = min(found)
            end = [Finish("stop", stop_sequence=stop)]
        else:
            kept, end = len(text) - max(overlap(text, stop) for stop in self._sequences), []
        self._pending = text[kept:]
        said = [kind(text[:kept])] if kept or kind is TextReplacement else []
        return [*said, *end]


class TokenLimit:
    """Ends an answer that weighs more than `limit` tokens, thinking included; a call of a tool passes whole or not.

    Calls therefore wait for the end of the answer, or of what fits.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._text = 0.0
        self._others = 0.0
        self._calls: dict[str, list[StreamEvent]] = {}

    def pass_on(self, batch: Batch) -> Batch:
        return up_to_finish(batch, self._pass)

    def _pass(self, event: StreamEvent) -> list[StreamEvent]:
        match event:
            case TextDelta(text) | RefusalDelta(text):
                fits = beginning(text, self._left)
                self._text += weigh(text)
            case TextReplacement(text):
                self._text = 0.0
                fits = beginning(text, self._left)
                self._text = weigh(text)
            case ReasoningDelta(text):
                fits = beginning(text, self._left)
                self._others += weigh(text)
            case ToolCallStart() | ToolCallDelta():
                return self._hold(event)
            case Finish():
                return [*self._held(), event]
            case _:
                return [event]
        if self._left >= 0:
            return [event]
        return [*([type(event)(fits)] if fits else []), *self._cut()]

    @property
    def _left(self) -> float:
        return self._limit - self._text - self._others

    def _hold(self, event: ToolCallStart | ToolCallDelta) -> list[StreamEvent]:
        self._calls.setdefault(event.call_id, []).append(event)
        self._others += weigh(event.name if isinstance(event, ToolCallStart) else event.arguments)
        if self._left >= 0:
            return []
        del self._calls[event.call_id]
        return self._cut()

    def _held(self) -> list[StreamEvent]:
        return [event for events in self._calls.values() for event in events]

    def _cut(self) -> list[StreamEvent]:
        self._calls = {call_id: events for call_id, events in self._calls.items() if _is_whole(events)}
        return [*self._held(), Finish("length")]


def _is_whole(call: Sequence[StreamEvent]) -> bool:
    arguments = "".join(event.arguments for event in call if isinstance(event, ToolCallDelta))
    try:
        json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return False
    return True
