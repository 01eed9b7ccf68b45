"""Custom tools, which take plain text: a function with one string stands for each, since few services know them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from core.api.shared.fields import check
from core.chat.requests import ChatRequest, FunctionTool, Json, Message

Form: TypeAlias = Literal["custom", "function"]
Forms: TypeAlias = Mapping[str, Form]
"""In which form a caller wants to hear of each custom tool's calls, by its name."""

_PARAMETERS: dict[str, Json] = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def custom_function(tool: dict[str, Json], path: str) -> FunctionTool:
    """The function for a custom tool, given flat as in Responses or under `custom` as in chat."""
    given = check(tool.get("custom", tool), dict, path)
    description = check(given.get("description") or "", str, f"{path}.description")
    form = check(given.get("format") or {}, dict, f"{path}.format")
    if form.get("type") == "grammar":
        grammar = check(form.get("grammar", form), dict, f"{path}.format.grammar")
        description += f"\n`input` must match this {grammar.get('syntax')} grammar:\n{grammar.get('definition')}"
    return FunctionTool(check(given.get("name"), str, f"{path}.name"), description, _PARAMETERS)


def forms_of(tools: Iterable[Json]) -> Forms:
    """For the custom tools among `tools`, which were checked: chat's own form, or what Cursor reads, which gives them
    flat: a function whose arguments are the plain text.
    """
    custom = [tool for tool in tools if tool.get("type") == "custom"]
    return {tool.get("custom", tool)["name"]: "custom" if "custom" in tool else "function" for tool in custom}


def given_to(form: Form, text: str) -> dict[str, Json]:
    """What a custom tool is called with, in the form that its caller wants."""
    return {"input" if form == "custom" else "arguments": text}


def with_inputs(chat: ChatRequest, forms: Forms) -> ChatRequest:
    """`chat` with every earlier call of a custom tool as the function that stands for it would have been called."""
    return replace(chat, messages=tuple(_with_inputs(message, forms) for message in chat.messages)) if forms else chat


def _with_inputs(message: Message, forms: Forms) -> Message:
    calls = [
        replace(call, arguments=custom_arguments(custom_input(call.arguments))) if call.name in forms else call
        for call in message.tool_calls
    ]
    return replace(message, tool_calls=tuple(calls))


def custom_arguments(given: str) -> str:
    """The input of a custom tool as the arguments of the function that stands for it."""
    return json.dumps({"input": given}, ensure_ascii=False)


def custom_input(arguments: str) -> str:
    """The other way round. What is no such object is taken as it is."""
    try:
        given = json.loads(arguments)["input"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return arguments
    return given if isinstance(given, str) else arguments
