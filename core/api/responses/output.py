"""The items of a response's output: what each looks like, and the events that tell it piece by piece."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Literal, Protocol, TypeAlias

from core.api.shared.custom import custom_input
from core.chat.requests import Json

Status: TypeAlias = Literal["in_progress", "completed", "incomplete"]

Told: TypeAlias = Iterator[tuple[str, dict[str, Json]]]
"""Events by their type, which still lack their number."""


class Item(Protocol):
    """An item at its place `index` in the output. It is begun, filled and ended, in this order."""

    index: int

    def item(self, status: Status) -> Json:
        """What it holds so far."""
        ...

    def begin(self) -> Told: ...

    def end(self, status: Status) -> Told: ...


class Thought:
    """The model's thinking. It is told as a summary, which is where clients look for it."""

    def __init__(self, index: int, text: str = "") -> None:
        self.index = index
        self._id = "rs_" + secrets.token_hex(14)
        self._text = [text]

    def item(self, status: Status) -> Json:
        text = "".join(self._text)
        return {"id": self._id, "type": "reasoning", "summary": [_summary(text)] if text else [], "status": status}

    def begin(self) -> Told:
        yield _added(self)
        yield "response.reasoning_summary_part.added", {**self._place(), "part": _summary("")}

    def add(self, text: str) -> Told:
        self._text.append(text)
        yield "response.reasoning_summary_text.delta", {**self._place(), "delta": text}

    def end(self, status: Status) -> Told:
        text = "".join(self._text)
        yield "response.reasoning_summary_text.done", {**self._place(), "text": text}
        yield "response.reasoning_summary_part.done", {**self._place(), "part": _summary(text)}
        yield _done(self, status)

    def _place(self) -> dict[str, Json]:
        return {"item_id": self._id, "output_index": self.index, "summary_index": 0}


class Said:
    """A message: parts of text, or of refusal."""

    def __init__(self, index: int, *parts: tuple[str, str]) -> None:
        self.index = index
        self._id = "msg_" + secrets.token_hex(14)
        self._parts = [(kind, [text]) for kind, text in parts if text]

    def item(self, status: Status) -> Json:
        content = [_part(kind, "".join(pieces)) for kind, pieces in self._parts]
        return {"id": self._id, "type": "message", "role": "assistant", "status": status, "content": content}

    def begin(self) -> Told:
        yield _added(self)

    def add(self, kind: str, text: str) -> Told:
        if not self._parts or self._parts[-1][0] != kind:
            yield from self._end_part()
            self._parts.append((kind, []))
            yield "response.content_part.added", {**self._place(), "part": _part(kind, "")}
        self._parts[-1][1].append(text)
        logprobs: dict[str, Json] = {"logprobs": []} if kind == "output_text" else {}
        yield f"response.{kind}.delta", {**self._place(), "delta": text, **logprobs}

    def end(self, status: Status) -> Told:
        yield from self._end_part()
        yield _done(self, status)

    def _end_part(self) -> Told:
        if self._parts:
            kind, pieces = self._parts[-1]
            text = "".join(pieces)
            told = {"text": text, "logprobs": []} if kind == "output_text" else {"refusal": text}
            yield f"response.{kind}.done", {**self._place(), **told}
            yield "response.content_part.done", {**self._place(), "part": _part(kind, text)}

    def _place(self) -> dict[str, Json]:
        return {"item_id": self._id, "output_index": self.index, "content_index": len(self._parts) - 1}


class Called:
    """The call of a function."""

    def __init__(self, index: int, call_id: str, name: str, arguments: str = "") -> None:
        self.index = index
        self.call_id = call_id
        self._id = "fc_" + secrets.token_hex(14)
        self._name = name
        self._arguments = [arguments]

    def item(self, status: Status) -> Json:
        return {
            "id": self._id,
            "type": "function_call",
            "call_id": self.call_id,
            "name": self._name,
            "arguments": "".join(self._arguments),
            "status": status,
        }

    def begin(self) -> Told:
        yield _added(self)

    def add(self, arguments: str) -> Told:
        self._arguments.append(arguments)
        yield "response.function_call_arguments.delta", {**self._place(), "delta": arguments}

    def end(self, status: Status) -> Told:
        told = {"name": self._name, "arguments": "".join(self._arguments)}
        yield "response.function_call_arguments.done", {**self._place(), **told}
        yield _done(self, status)

    def _place(self) -> dict[str, Json]:
        return {"item_id": self._id, "output_index": self.index}


class CalledCustom(Called):
    """The call of a tool that takes plain text: told at once, since its JSON cannot be read before its end."""

    def item(self, status: Status) -> Json:
        return {
            "id": self._id,
            "type": "custom_tool_call",
            "call_id": self.call_id,
            "name": self._name,
            "input": "" if status == "in_progress" else self._input(),
        }

    def add(self, arguments: str) -> Told:
        self._arguments.append(arguments)
        return iter(())

    def end(self, status: Status) -> Told:
        yield "response.custom_tool_call_input.delta", {**self._place(), "delta": self._input()}
        yield "response.custom_tool_call_input.done", {**self._place(), "input": self._input()}
        yield _done(self, status)

    def _input(self) -> str:
        return custom_input("".join(self._arguments))


class Shown:
    """A picture, from its data URL."""

    def __init__(self, index: int, url: str) -> None:
        self.index = index
        self._id = "ig_" + secrets.token_hex(14)
        self._result = url.partition(",")[2]

    def item(self, status: Status) -> Json:
        result = None if status == "in_progress" else self._result
        return {"id": self._id, "type": "image_generation_call", "status": status, "result": result}

    def begin(self) -> Told:
        yield _added(self)

    def end(self, status: Status) -> Told:
        yield _done(self, status)


def link(url: str) -> str:
    """A picture that is only known by its address, as Markdown."""
    return f"![image]({url})"


def _added(item: Item) -> tuple[str, dict[str, Json]]:
    return "response.output_item.added", {"output_index": item.index, "item": item.item("in_progress")}


def _done(item: Item, status: Status) -> tuple[str, dict[str, Json]]:
    return "response.output_item.done", {"output_index": item.index, "item": item.item(status)}


def _summary(text: str) -> Json:
    return {"type": "summary_text", "text": text}


def _part(kind: str, text: str) -> Json:
    if kind == "refusal":
        return {"type": kind, "refusal": text}
    return {"type": kind, "text": text, "annotations": [], "logprobs": []}
