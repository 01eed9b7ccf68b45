"""A finished answer, and how a stream becomes one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import assert_never

from core.chat.errors import UpstreamTruncated
from core.chat.events import (
    Batch,
    Finish,
    ImageOutput,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
)
from core.chat.requests import ToolCall


@dataclass(slots=True)
class Completion:
    """A finished answer. `finish` is set once the stream has ended lawfully."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    images: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    finish: Finish | None = None


class Collector:
    """Puts the events of one stream together."""

    def __init__(self) -> None:
        self._answer = Completion()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[str, tuple[str, list[str]]] = {}

    def add(self, event: StreamEvent) -> None:  # noqa: C901  # one case per kind of event; nothing to split
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case RefusalDelta(text):
                self._refusal.append(text)
            case TextReplacement(text):
                self._text = [text]
            case ImageOutput(url):
                self._answer.images.append(url)
            case ToolCallStart(call_id, name):
                self._calls[call_id] = (name, [])
            case ToolCallDelta(call_id, arguments):
                self._calls[call_id][1].append(arguments)
            case Notice(parameter):
                self._answer.notices.append(parameter)
            case Finish():
                self._answer.finish = event
            case _:
                assert_never(event)

    def completion(self) -> Completion:
        """The answer so far."""
        answer = self._answer
        answer.text = "".join(self._text)
        answer.reasoning = "".join(self._reasoning)
        answer.refusal = "".join(self._refusal)
        answer.tool_calls = [
            ToolCall(call_id, name, "".join(fragments)) for call_id, (name, fragments) in self._calls.items()
        ]
        return answer


async def collect(stream: AsyncIterator[Batch]) -> Completion:
    """Read `stream` to its end. Raises `UpstreamTruncated` where it ends without a `Finish`."""
    collector = Collector()
    async for batch in stream:
        for event in batch:
            collector.add(event)
    answer = collector.completion()
    if answer.finish is None:
        raise UpstreamTruncated
    return answer
