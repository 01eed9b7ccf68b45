"""Tool calls one after another, as every stream format wants them, also where an upstream mixes their fragments."""

from __future__ import annotations

import json

from core.chat.events import Batch, Finish, StreamEvent, ToolCallDelta, ToolCallStart


class OneByOne:
    """Lets the first call pass as it comes. A later one waits where the arguments before it are no whole JSON yet.

    Most upstreams send one call after another: nothing waits then.
    """

    def __init__(self) -> None:
        self._current = ""
        self._arguments: list[str] = []
        self._waiting: dict[str, list[StreamEvent]] = {}

    def order(self, batch: Batch) -> Batch:
        """What may pass now, in its order."""
        if not self._waiting and not any(isinstance(event, ToolCallStart | ToolCallDelta) for event in batch):
            return batch
        return [passed for event in batch for passed in self._pass(event)]

    def _pass(self, event: StreamEvent) -> list[StreamEvent]:
        if isinstance(event, ToolCallStart):
            self._waiting[event.call_id] = [event]
        elif isinstance(event, ToolCallDelta) and event.call_id in self._waiting:
            self._waiting[event.call_id].append(event)
        elif isinstance(event, ToolCallDelta):
            if event.call_id == self._current:
                self._arguments.append(event.arguments)
            return [event, *self._next()]
        elif isinstance(event, Finish):
            return [*(held for events in self._waiting.values() for held in events), event]
        else:
            return [event]
        return self._next()

    def _next(self) -> list[StreamEvent]:
        """The calls whose turn it is now."""
        passed: list[StreamEvent] = []
        while self._waiting and (not self._current or _is_whole("".join(self._arguments))):
            self._current = next(iter(self._waiting))
            events = self._waiting.pop(self._current)
            self._arguments = [event.arguments for event in events if isinstance(event, ToolCallDelta)]
            passed += events
        return passed


def _is_whole(arguments: str) -> bool:
    if not arguments.rstrip().endswith("}"):
        return False
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True
