"""Tool calls in fragments, as OpenAI streams them and as others imitate it: index, id or name may be missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core.chat.events import StreamEvent, ToolCallDelta, ToolCallStart
from core.chat.requests import Json
from core.dialects import terms


@dataclass(slots=True)
class _Call:
    call_id: str
    upstream_id: str | None
    started: bool = False
    held: list[str] = field(default_factory=list)


class ToolCalls:
    """Gives each fragment to its call: by index, else by id, else to the latest call."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}

    @property
    def any(self) -> bool:
        return bool(self._calls)

    def add(self, fragments: Json) -> Iterator[StreamEvent]:
        """The events of one delta's `tool_calls`."""
        for fragment in fragments if isinstance(fragments, Sequence) else ():
            if isinstance(fragment, dict):
                yield from self._add(fragment)

    def end(self) -> Iterator[StreamEvent]:
        """Calls whose name never came are given to the caller all the same, so that nothing is lost."""
        for call in self._calls.values():
            if not call.started:
                yield from self._start(call, "unnamed")

    def _add(self, fragment: dict[str, Json]) -> Iterator[StreamEvent]:
        call = self._call_of(fragment)
        function = fragment.get("function") or {}
        arguments = function.get("arguments")
        if isinstance(arguments, dict | list):
            arguments = json.dumps(arguments, ensure_ascii=False)
        if arguments:
            call.held.append(str(arguments))
        name = function.get("name")
        if call.started or name:
            yield from self._start(call, str(name))

    def _start(self, call: _Call, name: str) -> Iterator[StreamEvent]:
        if not call.started:
            call.started = True
            yield ToolCallStart(call.call_id, name)
        for arguments in call.held:
            yield ToolCallDelta(call.call_id, arguments)
        call.held.clear()

    def _call_of(self, fragment: dict[str, Json]) -> _Call:
        index, upstream_id = fragment.get("index"), str(fragment.get("id") or "") or None
        name = (fragment.get("function") or {}).get("name")
        if not isinstance(index, int | float) or isinstance(index, bool):
            index = self._index_by_id(upstream_id, is_new=bool(name))
        call = self._calls.get(int(index))
        if call is not None and upstream_id and call.upstream_id not in {None, upstream_id} and name:
            self._calls[max(self._calls) + 1], call = call, None  # two claim one index: what follows is the later one's
        if call is None:
            call = self._calls[int(index)] = _Call(self._unique(upstream_id), upstream_id)
        return call

    def _index_by_id(self, upstream_id: str | None, *, is_new: bool) -> int:
        latest = max(self._calls, default=-1)
        if upstream_id is not None:
            known = (index for index, call in self._calls.items() if call.upstream_id == upstream_id)
            return next(known, latest + 1)
        return latest + 1 if is_new or latest < 0 else latest

    def _unique(self, upstream_id: str | None) -> str:
        taken = {call.call_id for call in self._calls.values()}
        return upstream_id if upstream_id and upstream_id not in taken else terms.new_call_id()
