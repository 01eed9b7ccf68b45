"""JSON from a model that was only ever taught to talk: it is told the form, and its answer is held back and checked.

One answer that does not fit goes back to the model with what is wrong. A second one is a failure that says so.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import NamedTuple, NoReturn

from core.chat.errors import InvalidRequest, Retry, UpstreamError, UpstreamTruncated
from core.chat.events import (
    Batch,
    Finish,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    ToolCallStart,
    Usage,
)
from core.chat.requests import ChatRequest, Json, Message
from core.emulation.rounds import Ask, instructed, summed
from core.emulation.schema import problem

ROUNDS = 2
_OBJECT: Json = {"type": "object"}
_FENCE = "```"
_CUT = frozenset({"length", "content_filter"})


class _Checked(NamedTuple):
    """An answer's text, and what is wrong with it, "" if nothing is."""

    text: str
    fault: str = ""


def schema_of(response_format: Json) -> Json | None:
    """The JSON schema that an answer must fit, None where any text will do. Raises `InvalidRequest`."""
    match response_format.get("type"):
        case "text":
            return None
        case "json_object":
            return _OBJECT
        case "json_schema":
            described = response_format.get("json_schema")
            schema = described.get("schema") if isinstance(described, dict) else None
            if not isinstance(schema, dict):
                raise _invalid("response_format.json_schema.schema", "must be an object")
            return schema
    raise _invalid("response_format.type", "must be text, json_object or json_schema")


async def with_json(ask: Ask, request: ChatRequest) -> AsyncGenerator[Batch]:
    """The answer to `request`, whose text is JSON as its `response_format` wants it, and nothing else.

    Thinking and tool calls pass as they come. A refusal, words beside a call, and what was cut off stay as they are.
    Raises `UpstreamError` where the model has no such answer.
    """
    schema = schema_of(request.parameters["response_format"])
    asked = _instructed(request, schema)
    spent: Usage | None = Usage(0, 0)
    said = _Checked("")
    for _ in range(ROUNDS):
        held = _Held()
        async with aclosing(ask(asked)) as batches:
            async for batch in batches:
                if passed := held.pass_on(batch):
                    yield passed
        if held.finish is None:
            raise UpstreamTruncated
        spent = summed(spent, held.finish.usage)
        said = held.checked(schema)
        if not said.fault:
            yield [*([TextDelta(said.text)] if said.text else []), replace(held.finish, usage=spent)]
            return
        asked = _corrected(asked, said)
    raise UpstreamError(
        f"The model does not answer as `response_format` asks, not even when told what is wrong: {said.fault}.",
        code="response_format_unmet",
        retry=Retry.OTHER_ROUTE,
    )


class _Held:
    """One answer: its text is kept back, everything else but the end passes."""

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self._text: list[str] = []
        self._is_another_thing = False

    def pass_on(self, batch: Batch) -> list[StreamEvent]:
        return [event for event in batch if not self._keep(event)]

    def _keep(self, event: StreamEvent) -> bool:
        match event:
            case TextDelta(text):
                self._text.append(text)
            case TextReplacement(text):
                self._text = [text]
            case Finish():
                self.finish = event
            case ToolCallStart() | RefusalDelta():
                self._is_another_thing = True
                return False
            case _:
                return False
        return True

    def checked(self, schema: Json) -> _Checked:
        text = "".join(self._text)
        if self._is_another_thing:
            return _Checked(text)
        checked = _check(text, schema)
        if checked.fault and self.finish is not None and self.finish.reason in _CUT:
            return _Checked(text)
        return checked


def _check(text: str, schema: Json) -> _Checked:
    """The one JSON value in `text`, character by character as the model wrote it."""
    for candidate in (text.strip(), _fenced(text), _bracketed(text)):
        try:
            value = json.loads(candidate, parse_constant=_no_number)
        except (ValueError, RecursionError):
            continue
        return _Checked(candidate, problem(value, schema) or "")
    return _Checked(text, "it is not one whole JSON value")


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _fenced(text: str) -> str:
    """What stands in the only code block of `text`; nothing where there are more, or none."""
    lines = text.strip().splitlines(keepends=True)
    fences = [place for place, line in enumerate(lines) if line.lstrip().startswith(_FENCE)]
    return "".join(lines[fences[0] + 1 : fences[1]]).strip() if len(fences) == 2 else ""


def _bracketed(text: str) -> str:
    """From the first opening bracket to the last closing one: less might be a part of what was meant."""
    start = min((place for bracket in "{[" if (place := text.find(bracket)) >= 0), default=0)
    return text[start : max(text.rfind("}"), text.rfind("]")) + 1]


def _instructed(request: ChatRequest, schema: Json) -> ChatRequest:
    """The request with its wish in words."""
    parameters = {name: value for name, value in request.parameters.items() if name != "response_format"}
    return replace(request, messages=instructed(request.messages, _instruction(request, schema)), parameters=parameters)


def _instruction(request: ChatRequest, schema: Json) -> str:
    wanted = "one JSON object"
    if schema is not _OBJECT:
        purpose = request.parameters["response_format"]["json_schema"].get("description")
        about = f" ({purpose})" if isinstance(purpose, str) and purpose else ""
        wanted = f"one JSON value{about} that fits the JSON schema below"
    words = f"Answer with {wanted}, and with nothing else: no words before or after it, and no code fence."
    if request.wants_tools:
        words += " This concerns your final answer; before it you may call tools as you otherwise would."
    return words if schema is _OBJECT else f"{words}\n\n{json.dumps(schema, ensure_ascii=False)}"


def _corrected(asked: ChatRequest, said: _Checked) -> ChatRequest:
    """The next request, after an answer that did not fit."""
    words = f"This is not what was asked for: {said.fault}. Answer once more, with the right JSON and nothing else."
    return replace(asked, messages=(*asked.messages, Message("assistant", said.text), Message("user", words)))


def _invalid(param: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"`{param}` {what}.", param=param)
