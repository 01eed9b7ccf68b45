"""Tool calls as upstreams stream them: in fragments, whole, or both; with and without an id of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.chat.events import StreamEvent, ToolCallDelta, ToolCallStart
from core.chat.requests import Json
from core.dialects import terms
from core.dialects.surrogates import Surrogates


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one event says of one call. `key` tells apart the calls of an answer; `whole` says nothing will follow."""

    key: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Json = None
    whole: bool = False

    @property
    def text(self) -> str:
        """The arguments as JSON text; none and an empty object are empty."""
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False) if self.arguments else ""


@dataclass(slots=True)
class _Call:
    call_id: str
    upstream_id: str | None
    name: str | None
    started: bool = False
    in_fragments: bool = False
    said: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    surrogates: Surrogates = field(default_factory=Surrogates)


class Calls:
    """Gives each fragment to its call: by key, else by id, else to the latest."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_key: dict[str, _Call] = {}

    @property
    def any(self) -> bool:
        return bool(self._calls)

    def add(self, fragment: Fragment) -> Iterator[StreamEvent]:
        """The events that `fragment` completes."""
        call = self._known(fragment) or self._new(fragment)
        if fragment.key is not None:
            self._by_key[fragment.key] = call
        call.name = call.name or fragment.name
        if not fragment.whole:
            call.in_fragments = True
        elif call.said or call.waiting:
            return
        if text := call.surrogates.join(fragment.text):
            call.waiting.append(text)
        if call.name:
            yield from _released(call)

    def end(self) -> Iterator[StreamEvent]:
        """What was still waiting; a call without arguments gets an empty object."""
        for call in self._calls:
            if rest := call.surrogates.end():
                call.waiting.append(rest)
            if not call.said and not call.waiting:
                call.waiting.append("{}")
            yield from _released(call)

    def _known(self, fragment: Fragment) -> _Call | None:
        if fragment.key in self._by_key:
            call = self._by_key[fragment.key or ""]
            return None if _is_another(call, fragment) else call
        if fragment.call_id is not None and (fragment.key is None or fragment.whole):
            return next((call for call in self._calls if call.upstream_id == fragment.call_id), None)
        if fragment.key is not None or fragment.call_id is not None:
            return None
        if fragment.whole:
            return next((call for call in self._calls if _is_repeated(call, fragment)), None)
        return self._calls[-1] if self._calls and not fragment.name else None

    def _new(self, fragment: Fragment) -> _Call:
        taken = {call.call_id for call in self._calls}
        is_free = fragment.call_id is not None and fragment.call_id not in taken
        call_id = fragment.call_id if is_free and fragment.call_id else terms.new_call_id()
        call = _Call(call_id, fragment.call_id, fragment.name)
        self._calls.append(call)
        return call


def _released(call: _Call) -> Iterator[StreamEvent]:
    if not call.started:
        call.started = True
        yield ToolCallStart(call.call_id, call.name or "unnamed")
    for text in call.waiting:
        yield ToolCallDelta(call.call_id, text)
    call.said += call.waiting
    call.waiting.clear()


def _is_another(call: _Call, fragment: Fragment) -> bool:
    """Whether two calls claim one key."""
    if fragment.call_id is not None and call.upstream_id is not None:
        return fragment.call_id != call.upstream_id
    return fragment.name is not None and call.name is not None and fragment.name != call.name


def _is_repeated(call: _Call, fragment: Fragment) -> bool:
    """Whether `fragment`, which has no id, says once more what came in fragments."""
    return call.in_fragments and call.name == fragment.name and _parsed("".join(call.said)) == _parsed(fragment.text)


def _parsed(arguments: str) -> Json:
    try:
        return json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments
