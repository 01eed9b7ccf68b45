"""What a model may call in one request, and which calls a block of its answer comes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from core.chat.errors import InvalidRequest
from core.chat.requests import ChatRequest, FunctionTool, Json, NamedTool, ToolCall
from core.dialects import terms
from core.emulation.schema import problem
from core.emulation.toolgrammar import Block, read_json

LONGEST_NAME = 80
_ARGUMENTS = ("arguments", "parameters", "args", "input")
"""Other words for the same that models have learned elsewhere."""

_BESIDE = frozenset({"name", "id", "type"})


class Unfit(ValueError):
    """A block that comes to no call; the message is for the model."""


class Offer(NamedTuple):
    """The tools by name, whether one must be called, and whether no more than one may be."""

    tools: Mapping[str, FunctionTool]
    must_call: bool = False
    at_most_one: bool = False

    def calls_in(self, block: Block) -> list[ToolCall]:
        """The calls that `block` makes: one, or those of a list. Raises `Unfit`, so that none is made by halves."""
        if block.fault:
            raise Unfit(f"the block cannot be read: {block.fault}")
        entries = block.value if isinstance(block.value, list) else [block.value]
        if not entries:
            raise Unfit("the block is empty")
        return [self._call(entry) for entry in entries]

    def _call(self, entry: Json) -> ToolCall:
        if isinstance(entry, dict) and isinstance(entry.get("function"), dict):
            entry = entry["function"]  # OpenAI's own form
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise Unfit('a call must be an object with "name" and "arguments"')
        tool = self.tools.get(name)
        if tool is None:
            known = f"can be called: {', '.join(self.tools)}" if self.tools else "can be called now: none"
            raise Unfit(f'"{name[:LONGEST_NAME]}" is not among the tools that {known}')
        try:
            return ToolCall(terms.new_call_id(), name, _checked(_arguments(entry), tool))
        except Unfit as error:
            raise Unfit(f"in the call of {name}, {error}") from None


def offer_of(request: ChatRequest) -> Offer:
    """What `request` lets the model call. Raises `InvalidRequest` for a tool that only a service itself could run."""
    if not request.wants_tools:
        return Offer({})
    tools: dict[str, FunctionTool] = {}
    for place, tool in enumerate(request.tools):
        if not isinstance(tool, FunctionTool):
            raise InvalidRequest(
                f"The model `{request.model}` takes functions only, no tools that the service itself would run.",
                code="unsupported_parameter",
                param=f"tools[{place}]",
            )
        tools[tool.name] = tool
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        if choice.name not in tools:
            raise InvalidRequest("`tool_choice` names a tool that is not among `tools`.", param="tool_choice")
        tools = {choice.name: tools[choice.name]}
    must_call = choice == "required" or isinstance(choice, NamedTool)
    return Offer(tools, must_call, request.parameters.get("parallel_tool_calls") is False)


def _arguments(entry: dict[str, Json]) -> Json:
    """The arguments of a call, whatever they are called; none at all are an empty object."""
    names = [name for name in _ARGUMENTS if name in entry]
    strange = [] if names else [name for name in entry if name not in _BESIDE]
    if strange:
        raise Unfit(f'"{strange[0][:LONGEST_NAME]}" does not belong beside "name": put it into "arguments"')
    arguments: Json = next((entry[name] for name in names if entry[name] is not None), {})
    if not isinstance(arguments, str):
        return arguments
    if not arguments.strip():
        return {}
    value, fault = read_json(arguments)
    if fault:
        raise Unfit(f"the arguments cannot be read: {fault}")
    return value


def _checked(arguments: Json, tool: FunctionTool) -> str:
    """The arguments as JSON text, written anew: a name that stood there twice is read by everybody as we read it."""
    if not isinstance(arguments, dict):
        raise Unfit("the arguments must be an object")
    if wrong := problem(arguments, tool.parameters or {}):
        raise Unfit(wrong)
    try:
        return written(arguments)
    except (ValueError, RecursionError):
        raise Unfit("the arguments have a number that is too large, or are nested too deeply") from None


def written(value: Json) -> str:
    """Compact JSON. Raises `ValueError` for a number that JSON has not."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which only an escape can carry
        return json.dumps(value, separators=(",", ":"))
    return text
