"""Token counts where an upstream gives none: an estimate, marked as one, never a zero that means unknown."""

from __future__ import annotations

import json
from dataclasses import replace
from math import ceil

from core.chat.events import Finish, ReasoningDelta, RefusalDelta, StreamEvent, TextDelta, ToolCallDelta, Usage
from core.chat.requests import ChatRequest, FunctionTool, Image
from core.chat.tokens import weigh

IMAGE_TOKENS = 300
MESSAGE_TOKENS = 4


def prompt_tokens(request: ChatRequest) -> int:
    """Estimated tokens of everything that is sent."""
    total = 0.0
    for message in request.messages:
        total += MESSAGE_TOKENS + weigh(message.text)
        total += sum(weigh(call.name + call.arguments) for call in message.tool_calls)
        total += IMAGE_TOKENS * sum(isinstance(part, Image) for part in message.parts)
    for tool in request.tools:
        if isinstance(tool, FunctionTool):
            total += weigh(tool.name + (tool.description or "") + json.dumps(tool.parameters or {}))
    return max(ceil(total), 1)


class Meter:
    """Weighs the events of one answer as they pass, and completes its `Finish`."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._weight = 0.0
        self._reasoning = 0.0

    def pass_on(self, event: StreamEvent) -> StreamEvent:
        """`event`, with usage filled in if it is a `Finish` without."""
        if isinstance(event, TextDelta | RefusalDelta):
            self._weight += weigh(event.text)
        elif isinstance(event, ReasoningDelta):
            self._reasoning += weigh(event.text)
        elif isinstance(event, ToolCallDelta):
            self._weight += weigh(event.arguments)
        elif isinstance(event, Finish) and event.usage is None:
            return replace(event, usage=self.estimate())
        return event

    def estimate(self) -> Usage:
        """What has been used so far, as far as the text tells."""
        return Usage(
            prompt_tokens(self._request),
            max(ceil(self._weight + self._reasoning), 1),
            reasoning_tokens=ceil(self._reasoning) or None,
            estimated=True,
        )
