"""Custom tools, which take plain text: a function with one string stands for each, since few services know them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from core.api.shared.fields import check
from core.chat.requests import FunctionTool, Json

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


def custom_names(tools: Iterable[Json]) -> frozenset[str]:
    """The names of the custom tools among `tools`, which were checked, in chat's form."""
    return frozenset(tool["custom"]["name"] for tool in tools if tool["type"] == "custom" and "custom" in tool)


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
