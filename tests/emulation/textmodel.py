"""A model that only ever writes text: scripted, and as good as any at copying the marks that its prompt shows."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any, TypeVar

from core.chat.completion import Completion, collect
from core.chat.events import Batch, Finish, StreamEvent, TextDelta, TextReplacement
from core.chat.requests import ChatRequest, FunctionTool, Message
from core.emulation.tools import with_tools

T = TypeVar("T")

WEATHER = FunctionTool(
    "weather",
    "The weather of a city.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
NOW = FunctionTool("now")


def asked(
    *messages: Message, tools: Sequence[Any] = (WEATHER, NOW), choice: Any = None, **parameters: Any
) -> ChatRequest:
    said = messages or (Message("user", "Is it cold in Oslo?"),)
    return ChatRequest("m", said, tools=tuple(tools), tool_choice=choice, parameters=parameters)


def call(name: str = "weather", arguments: Any = None, **others: Any) -> str:
    """A block, in marks that are still to be filled in."""
    if arguments is None and name == "weather":
        arguments = {"city": "Oslo"}
    return block(json.dumps({"name": name, **({} if arguments is None else {"arguments": arguments}), **others}))


def block(content: str) -> str:
    return f"[call]\n{content}\n[/call]"


def nonce_in(request: ChatRequest) -> str:
    found = re.search(r"<tool_(?:call|result)_([0-9a-f]{8})", "".join(message.text for message in request.messages))
    return found[1] if found else "no marks"


def marked(text: str, nonce: str) -> str:
    """`text` with this request's marks."""
    for short, mark in (("[call]", "<tool_call_{}>"), ("[/call]", "</tool_call_{}>"), ("[result]", "<tool_result_{}>")):
        text = text.replace(short, mark.format(nonce))
    return text.replace("[nonce]", nonce)


class TextModel:
    """Gives each of `answers` in turn. A string is cut into pieces of `cut` characters, and ends with a `stop`."""

    def __init__(self, *answers: str | list[StreamEvent], cut: int = 1000) -> None:
        self.requests: list[ChatRequest] = []
        self.closed = 0
        self.read = 0
        self._answers = answers
        self._cut = cut

    async def __call__(self, request: ChatRequest) -> AsyncGenerator[Batch]:
        self.requests.append(request)
        try:
            for event in self._events(self._answers[len(self.requests) - 1], nonce_in(request)):
                self.read += 1
                yield [event]
        finally:
            self.closed += 1

    def _events(self, answer: str | list[StreamEvent], nonce: str) -> list[StreamEvent]:
        if isinstance(answer, list):
            return [
                type(event)(marked(event.text, nonce)) if isinstance(event, TextDelta | TextReplacement) else event
                for event in answer
            ]
        text = marked(answer, nonce)
        return [
            *(TextDelta(text[place : place + self._cut]) for place in range(0, len(text), self._cut)),
            Finish("stop"),
        ]


async def answer_of(model: TextModel, request: ChatRequest | None = None) -> Completion:
    return await collect(with_tools(model, request or asked()))


def made(answer: Completion) -> list[tuple[str, Any]]:
    """The calls of an answer, with their arguments read."""
    return [(each.name, json.loads(each.arguments)) for each in answer.tool_calls]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits for something")
