"""A request in Anthropic's form, put into the domain's words."""

from __future__ import annotations

from dataclasses import dataclass

from core.api.messages.content import add_message, system_message
from core.api.messages.errors import NO_THREADS
from core.api.shared.fields import bounded, check, invalid, number_within, take, take_model
from core.api.shared.messages import MAX_MESSAGES, MAX_TOOLS
from core.api.shared.turns import Turns
from core.chat.errors import InvalidRequest
from core.chat.requests import ChatRequest, FunctionTool, Json, Message, NamedTool, ToolChoice

_CHOICES: dict[str, ToolChoice] = {"auto": "auto", "any": "required", "none": "none"}
_BUDGETS = ((4096, "low"), (16384, "medium"))
_WITHOUT_EFFECT = frozenset(
    {"betas", "cache_control", "context_management", "diagnostics", "inference_geo", "metadata", "service_tier"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`thinking`: the caller wants to see it. `ignored` are fields that would have changed the answer."""

    chat: ChatRequest
    thinking: bool
    ignored: tuple[str, ...]


def parse(body: dict[str, Json]) -> Asked:
    """Raises `InvalidRequest` naming the field."""
    given = {name: value for name, value in body.items() if value is not None and name not in _WITHOUT_EFFECT}
    if given.pop("thread", False):
        raise InvalidRequest(
            "`thread` refers to a conversation that is stored, and nothing is stored here; send all of its `messages`.",
            code=NO_THREADS,
            param="thread",
        )
    model = take_model(given)
    stream = take(given, "stream", bool) or False
    messages = _messages(given)
    tools = _tools(take(given, "tools", list) or [])
    wanted = take(given, "tool_choice", dict) or {}
    thinking = take(given, "thinking", dict) or {}
    parameters = _parameters(given, thinking)
    if tools and wanted.get("disable_parallel_tool_use"):
        parameters["parallel_tool_calls"] = False
    choice = _tool_choice(wanted) if wanted else None
    chat = ChatRequest(model, messages, stream, stream, tools, choice, parameters)
    seen = thinking.get("type", "disabled") != "disabled" and thinking.get("display") != "omitted"
    return Asked(chat, seen, tuple(given))


def _messages(given: dict[str, Json]) -> tuple[Message, ...]:
    messages = given.pop("messages", None)
    if not isinstance(messages, list) or not messages:
        raise invalid("messages", "must be a non-empty array")
    turns = Turns()
    if (system := given.pop("system", None)) is not None:
        turns.add(system_message(system, "system"))
    for index, message in enumerate(bounded(messages, MAX_MESSAGES, "messages")):
        add_message(turns, check(message, dict, f"messages[{index}]"), f"messages[{index}]")
    if not turns.messages():
        raise invalid("messages", "hold nothing that could be answered")
    return turns.messages()


def _tools(tools: list[Json]) -> tuple[FunctionTool, ...]:
    bounded(tools, MAX_TOOLS, "tools")
    return tuple(_tool(dict(check(tool, dict, f"tools[{i}]")), f"tools[{i}]") for i, tool in enumerate(tools))


def _tool(tool: dict[str, Json], path: str) -> FunctionTool:
    kind = take(tool, "type", str, path=f"{path}.type") or "custom"
    if kind != "custom":
        raise invalid(f"{path}.type", f"is a tool of Anthropic's own ({kind[:64]}), which nobody here has")
    return FunctionTool(
        check(tool.get("name"), str, f"{path}.name"),
        take(tool, "description", str, path=f"{path}.description"),
        check(tool.get("input_schema"), dict, f"{path}.input_schema"),
        take(tool, "strict", bool, path=f"{path}.strict"),
    )


def _tool_choice(choice: dict[str, Json]) -> ToolChoice:
    kind = choice.get("type")
    if kind == "tool":
        return NamedTool(check(choice.get("name"), str, "tool_choice.name"))
    if not isinstance(kind, str) or kind not in _CHOICES:
        raise invalid("tool_choice.type", "must be auto, any, tool or none")
    return _CHOICES[kind]


def _parameters(given: dict[str, Json], thinking: dict[str, Json]) -> dict[str, Json]:
    """The parameters by their OpenAI names, taken out of `given`."""
    number_within(given, "temperature", float, 0, 1)
    number_within(given, "top_p", float, 0, 1)
    number_within(given, "max_tokens", int, 1, 10**9)
    parameters: dict[str, Json] = {
        name: given.pop(name) for name in ("temperature", "top_p", "max_tokens") if name in given
    }
    if stops := take(given, "stop_sequences", list):
        bounded(stops, 16, "stop_sequences")
        parameters["stop"] = [check(stop, str, f"stop_sequences[{i}]") for i, stop in enumerate(stops)]
    output = dict(take(given, "output_config", dict) or {})
    if effort := _effort(output, thinking):
        parameters["reasoning_effort"] = effort
    wanted = output.get("format") or given.pop("output_format", None)
    if wanted is not None:
        schema = check(check(wanted, dict, "output_config.format").get("schema"), dict, "output_config.format.schema")
        schema_format = {"name": "answer", "schema": schema, "strict": True}
        parameters["response_format"] = {"type": "json_schema", "json_schema": schema_format}
    return parameters


def _effort(output: dict[str, Json], thinking: dict[str, Json]) -> str | None:
    """How hard to think: in a word, or by the size of a budget."""
    effort: str | None = take(output, "effort", str, path="output_config.effort")
    if effort or thinking.get("budget_tokens") is None:
        return effort
    budget = check(thinking["budget_tokens"], int, "thinking.budget_tokens")
    return next((word for most, word in _BUDGETS if budget <= most), "high")
