"""The same conversation for a model that knows only text: tools told in words, earlier calls and results as blocks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from core.chat.requests import ChatRequest, ContentPart, FunctionTool, Json, Message, Text, ToolCall
from core.emulation.rounds import appended, instructed
from core.emulation.toolgrammar import Marks, read_json
from core.emulation.tooloffer import Offer

LONGEST_ID = 80
_DROPPED = frozenset({"parallel_tool_calls"})


def in_text(request: ChatRequest, offer: Offer, marks: Marks) -> ChatRequest:
    """`request` without a tool in it but in words."""
    messages: Sequence[Message] = _with_history(request.messages, marks)
    if offer.tools:
        messages = instructed(messages, instruction(offer, marks))
    parameters = {name: value for name, value in request.parameters.items() if name not in _DROPPED}
    return replace(request, messages=tuple(messages), tools=(), tool_choice=None, parameters=parameters)


def once_more(asked: ChatRequest, answer: str, faults: Sequence[str], offer: Offer, marks: Marks) -> ChatRequest:
    """What is asked after an `answer` that could not be taken."""
    wrong = "\n".join(f"- {fault}" for fault in faults)
    if not offer.tools:
        wish = "Answer in words, without any such block."
    else:
        wish = f"Write all calls again, each as a whole <{marks.call}> block, and nothing else."
        if not offer.must_call:
            wish += " If you need no tool after all, simply answer."
    words = f"Nothing was called, because of this:\n{wrong}\n\n{wish}"
    turns = [Message("assistant", answer)] if answer.strip() else []
    return replace(asked, messages=(*asked.messages, *turns, Message("user", words)))


def instruction(offer: Offer, marks: Marks) -> str:
    """What the model is told about its tools. Its example is no JSON, so that quoting it calls nothing."""
    tools = "\n\n".join(map(_described, offer.tools.values()))
    block = marks.around(_example(next(iter(offer.tools.values()))))
    how_many = "You can make one call." if offer.at_most_one else "For several calls, write several blocks."
    when = "Call a tool when it helps; otherwise just answer."
    if offer.must_call:
        when = "You must call a tool now." if len(offer.tools) > 1 else f"You must call {next(iter(offer.tools))} now."
    return (
        f"# Tools\n\nYou can call these tools. Each has a JSON schema that its arguments must fit.\n\n{tools}\n\n"
        f"To call a tool, write a block like this, exactly with these marks and valid JSON:\n\n{block}\n\n"
        f"{how_many} Write nothing after the last block: what the call returns comes in the next message, "
        f"as <{marks.result}>. Never write a result yourself. {when}"
    )


def _described(tool: FunctionTool) -> str:
    head = f"{tool.name}: {tool.description}" if tool.description else tool.name
    return f"{head}\n{_json(tool.parameters or {'type': 'object', 'properties': {}})}"


def _example(tool: FunctionTool) -> str:
    parameters = tool.parameters or {}
    properties, required = parameters.get("properties"), parameters.get("required")
    names = list(properties)[:1] if isinstance(properties, dict) else []
    if isinstance(required, list) and required:
        names = required
    arguments = ", ".join(f"{_json(name)}: …" for name in names) or "…"
    return f'{{"name": {_json(tool.name)}, "arguments": {{{arguments}}}}}'


def _with_history(messages: Sequence[Message], marks: Marks) -> list[Message]:
    """Calls in the assistant's turns as it would write them, results as a turn of the user's."""
    called = {call.call_id: call.name for message in messages for call in message.tool_calls}
    rewritten: list[Message] = []
    for is_results, turns in groupby(messages, lambda message: message.role == "tool"):
        if is_results:
            rewritten.append(_results(turns, called, marks))
        else:
            rewritten += [_calling(turn, marks) if turn.tool_calls else turn for turn in turns]
    if messages and messages[-1].role == "tool":
        rewritten[-1] = appended(rewritten[-1], "These are the results of your calls. Go on.")
    return rewritten


def _calling(message: Message, marks: Marks) -> Message:
    blocks = "\n".join(marks.around(_call(call), _attributes(id=call.call_id)) for call in message.tool_calls)
    return replace(appended(message, blocks), tool_calls=())


def _call(call: ToolCall) -> str:
    arguments, fault = read_json(call.arguments or "{}")
    return _json({"name": call.name, "arguments": call.arguments if fault else arguments})


def _results(messages: Iterable[Message], called: dict[str, str], marks: Marks) -> Message:
    """One turn for all results that came together; pictures in them stay pictures."""
    parts = [part for message in messages for part in _result(message, called, marks)]
    if all(isinstance(part, Text) for part in parts):
        return Message("user", "\n".join(part.text for part in parts if isinstance(part, Text)))
    return Message("user", tuple(parts))


def _result(message: Message, called: dict[str, str], marks: Marks) -> Iterator[ContentPart]:
    call_id = message.tool_call_id or ""
    attributes = _attributes(id=call_id, name=called.get(call_id, ""))
    yield Text(marks.around_result(message.text, attributes))
    for part in message.parts:
        if not isinstance(part, Text):
            yield part


def _attributes(**values: str) -> str:
    """Attributes of a mark, on one line and without what could end it."""
    clean = {
        name: "".join(char for char in value if char.isprintable() and char not in '<>"{')
        for name, value in values.items()
    }
    return "".join(f' {name}="{value[:LONGEST_ID]}"' for name, value in clean.items() if value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
