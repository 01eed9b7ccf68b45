"""An answer in the form of OpenAI's Responses: items of output, streamed or whole."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from itertools import chain

from core.api.responses.output import Called, CalledCustom, Item, Said, Shown, Status, Thought, Told, link
from core.api.shared.errors import json_bytes
from core.chat.completion import Completion
from core.chat.errors import ChatError
from core.chat.events import (
    Batch,
    Finish,
    ImageOutput,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.requests import Json

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_DEFAULTS: dict[str, Json] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
_ECHOED = (*_DEFAULTS, "prompt_cache_key", "safety_identifier", "user")


class ResponseRenderer:
    """`body` is the request, whose parameters every response repeats."""

    def __init__(self, body: dict[str, Json]) -> None:
        self._response: dict[str, Json] = {
            "id": "resp_" + secrets.token_hex(24),
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "background": False,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "model": body["model"],
            "output": [],
            "previous_response_id": None,
            "store": False,
            **_echo(body),
        }
        self._custom = {tool["name"] for tool in self._response["tools"] if tool["type"] == "custom"}
        self._number = 0
        self._items = 0
        self._prose: Thought | Said | None = None
        self._call: Called | None = None
        self._ended: dict[int, Json] = {}
        self._finish: Finish | None = None

    def batch(self, index: int, batch: Batch) -> bytes:  # noqa: ARG002  # this API has no choices
        return self._frames(chain(self._begin(), chain.from_iterable(map(self._tell, batch))))

    def end(self) -> bytes:
        response = self._finished([self._ended[index] for index in sorted(self._ended)])
        return self._frames([(f"response.{response['status']}", {"response": response})])

    def error(self, error: ChatError) -> bytes:
        told = {"code": _code(error), "message": error.message}
        output = [self._ended[index] for index in sorted(self._ended)]
        failed = {**self._response, "status": "failed", "error": told, "output": output}
        return self._frames([*self._begin(), ("response.failed", {"response": failed})])

    def whole(self, completions: Sequence[Completion]) -> Json:
        [done] = completions
        self._finish = done.finish
        links = "".join(link(url) for url in done.images if not url.startswith("data:"))
        items: list[Item] = []
        if done.reasoning:
            items.append(Thought(0, done.reasoning))
        if done.text or done.refusal or links:
            items.append(Said(0, ("output_text", done.text + links), ("refusal", done.refusal)))
        items += [self._called(call.call_id, call.name, call.arguments) for call in done.tool_calls]
        items += [Shown(0, url) for url in done.images if url.startswith("data:")]
        return self._finished([item.item(self._status()) for item in items])

    def _begin(self) -> Told:
        if not self._number:
            yield "response.created", {"response": self._response}
            yield "response.in_progress", {"response": self._response}

    def _tell(self, event: StreamEvent) -> Told:
        match event:
            case TextDelta(text):
                return self._say("output_text", text)
            case RefusalDelta(text):
                return self._say("refusal", text)
            case ReasoningDelta(text):
                return self._think(text)
            case ToolCallStart(call_id, name):
                return self._start(call_id, name)
            case ToolCallDelta(call_id, arguments) if self._call is not None and self._call.call_id == call_id:
                return self._call.add(arguments)
            case ImageOutput(url):
                return self._show(url)
            case Finish():
                self._finish = event
                return self._end_all()
            case _:
                return iter(())

    def _say(self, kind: str, text: str) -> Told:
        if not isinstance(self._prose, Said):
            yield from self._end_prose()
            self._prose = Said(self._next())
            yield from self._prose.begin()
        yield from self._prose.add(kind, text)

    def _think(self, text: str) -> Told:
        if not isinstance(self._prose, Thought):
            yield from self._end_prose()
            self._prose = Thought(self._next())
            yield from self._prose.begin()
        yield from self._prose.add(text)

    def _start(self, call_id: str, name: str) -> Told:
        yield from self._end_all()
        self._call = self._called(call_id, name)
        yield from self._call.begin()

    def _called(self, call_id: str, name: str, arguments: str = "") -> Called:
        kind = CalledCustom if name in self._custom else Called
        return kind(self._next(), call_id, name, arguments)

    def _show(self, url: str) -> Told:
        if not url.startswith("data:"):
            yield from self._say("output_text", link(url))
            return
        yield from self._end_prose()
        shown = Shown(self._next(), url)
        yield from shown.begin()
        yield from self._end(shown)

    def _end_prose(self) -> Told:
        if self._prose is not None:
            ended, self._prose = self._prose, None
            yield from self._end(ended)

    def _end_all(self) -> Told:
        """A call may be open beside prose: items of output, unlike blocks, may be told at the same time."""
        if self._call is not None:
            ended, self._call = self._call, None
            yield from self._end(ended)
        yield from self._end_prose()

    def _end(self, item: Item) -> Told:
        self._ended[item.index] = item.item(self._status())
        yield from item.end(self._status())

    def _next(self) -> int:
        self._items += 1
        return self._items - 1

    def _status(self) -> Status:
        return "incomplete" if self._finish is not None and self._finish.reason in _INCOMPLETE else "completed"

    def _finished(self, output: list[Json]) -> dict[str, Json]:
        finish = self._finish
        assert finish is not None  # noqa: S101  # nobody calls this before the end
        reason = _INCOMPLETE.get(finish.reason)
        return {
            **self._response,
            "status": self._status(),
            "completed_at": int(time.time()),
            "incomplete_details": {"reason": reason} if reason else None,
            "output": output,
            **({"usage": _usage(finish.usage)} if finish.usage else {}),
        }

    def _frames(self, events: Told | Sequence[tuple[str, dict[str, Json]]]) -> bytes:
        frames = []
        for kind, fields in events:
            data = json_bytes({"type": kind, "sequence_number": self._number, **fields})
            frames.append(b"event: %s\ndata: %s\n\n" % (kind.encode(), data))
            self._number += 1
        return b"".join(frames)


def _echo(body: dict[str, Json]) -> dict[str, Json]:
    """The parameters, given or not."""
    echo = _DEFAULTS | {name: body[name] for name in _ECHOED if body.get(name) is not None}
    for name in ("reasoning", "text"):
        echo[name] = _DEFAULTS[name] | echo[name]
    echo["tools"] = [_tool(tool) for tool in echo["tools"]]
    return echo


def _tool(tool: dict[str, Json]) -> Json:
    return {"strict": None, "parameters": None, **tool} if tool["type"] == "function" else tool


def _code(error: ChatError) -> str:
    """One of the few codes that OpenAI's description knows; the message says more."""
    if error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if error.status < 500 else "server_error"


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens or 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.total_tokens,
    }
