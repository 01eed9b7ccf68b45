"""OpenAI's messages and tools, checked and put into the domain's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from core.api.shared.custom import custom_arguments, custom_function
from core.api.shared.fields import bounded, check, invalid, take
from core.chat.requests import (
    BuiltinTool,
    ContentPart,
    FunctionTool,
    Image,
    Json,
    Message,
    NamedTool,
    OtherPart,
    Role,
    Text,
    ToolCall,
    ToolChoice,
)

Tools: TypeAlias = tuple[FunctionTool | BuiltinTool, ...]

MAX_MESSAGES = 2048
MAX_TOOLS = 128
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def parse_messages(messages: Json) -> tuple[Message, ...]:
    """The conversation. Raises `InvalidRequest` whose `param` is the path of what is wrong."""
    if not isinstance(messages, list) or not messages:
        raise invalid("messages", "must be a non-empty array")
    bounded(messages, MAX_MESSAGES, "messages")
    parsed: list[Message] = []
    called: set[str] = set()
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        turn = _message(_modern(dict(check(message, dict, path)), path, parsed), path)
        if turn.role == "tool" and turn.tool_call_id not in called:
            raise invalid(f"{path}.tool_call_id", "answers no tool call of an assistant message before it")
        called.update(call.call_id for call in turn.tool_calls)
        parsed.append(turn)
    return tuple(parsed)


def _modern(message: dict[str, Json], path: str, before: Sequence[Message]) -> dict[str, Json]:
    """`message` without the words from before there were tools: `function_call`, and the role `function`."""
    call = take(message, "function_call", dict, path=f"{path}.function_call")
    if call is not None and not message.get("tool_calls"):
        check(call.get("name"), str, f"{path}.function_call.name")
        message["tool_calls"] = [{"id": f"call_{len(before)}", "function": call}]
    if message.get("role") == "function":
        name = take(message, "name", str, path=f"{path}.name")
        called = [call.call_id for turn in before for call in turn.tool_calls if call.name == name]
        if not called:
            raise invalid(f"{path}.name", "names no function that an assistant message before it calls")
        return {**message, "role": "tool", "tool_call_id": called[-1], "content": message.get("content") or ""}
    return message


def _message(message: dict[str, Json], path: str) -> Message:
    spoken = message.pop("role", None)
    if not isinstance(spoken, str) or spoken not in _ROLES:
        raise invalid(f"{path}.role", f"must be one of {', '.join(_ROLES)}")
    role = _ROLES[spoken]
    calls = _tool_calls(message, path)
    content = _content(message.pop("content", None), f"{path}.content")
    if content == () and calls:  # Cursor's way to say nothing
        content = None
    if content is None and not calls:
        if role != "assistant" or not message.get("refusal"):
            raise invalid(f"{path}.content", "is missing")
        content = check(message.pop("refusal"), str, f"{path}.refusal")
    call_id = take(message, "tool_call_id", str, path=f"{path}.tool_call_id")
    if role == "tool" and not call_id:
        raise invalid(f"{path}.tool_call_id", "is missing")
    extra = {key: value for key, value in message.items() if value is not None}
    return Message(role, content, calls, call_id, extra)


def _content(content: Json, path: str) -> str | tuple[ContentPart, ...] | None:
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(path, "must be a string or an array of parts")
    return tuple(_part(check(part, dict, f"{path}[{i}]"), f"{path}[{i}]") for i, part in enumerate(content))


def _part(part: dict[str, Json], path: str) -> ContentPart:
    kind = check(part.get("type"), str, f"{path}.type")
    if kind in {"text", "refusal"}:
        text = check(part.get(kind), str, f"{path}.{kind}")
        return Text(text, {key: value for key, value in part.items() if key not in {"type", kind}})
    if kind != "image_url":
        return OtherPart(kind, part)
    image = part.get("image_url")
    image = {"url": image} if isinstance(image, str) else check(image, dict, f"{path}.image_url")
    url = check(image.get("url"), str, f"{path}.image_url.url")
    if not url.startswith(("data:image/", "https://", "http://")):
        raise invalid(f"{path}.image_url.url", "must be an https:// URL or a data:image/ URL")
    extra = {key: value for key, value in part.items() if key not in {"type", "image_url"}}
    return Image(url, image.get("detail"), extra)


def _tool_calls(message: dict[str, Json], path: str) -> tuple[ToolCall, ...]:
    calls = take(message, "tool_calls", list, path=f"{path}.tool_calls") or []
    return tuple(_tool_call(call, f"{path}.tool_calls[{index}]") for index, call in enumerate(calls))


def _tool_call(call: Json, path: str) -> ToolCall:
    check(call, dict, path)
    if call.get("type") == "custom":
        custom = check(call.get("custom"), dict, f"{path}.custom")
        name = check(custom.get("name"), str, f"{path}.custom.name")
        arguments = custom_arguments(check(custom.get("input"), str, f"{path}.custom.input"))
        return ToolCall(check(call.get("id"), str, f"{path}.id"), name, arguments)
    function = check(call.get("function"), dict, f"{path}.function")
    return ToolCall(
        check(call.get("id"), str, f"{path}.id"),
        check(function.get("name"), str, f"{path}.function.name"),
        check(function.get("arguments", ""), str, f"{path}.function.arguments"),
    )


def parse_tools(tools: list[Json]) -> Tools:
    """The declared tools, at most 128, each in chat's form or flat, as Responses have it: some clients mix them."""
    bounded(tools, MAX_TOOLS, "tools")
    return tuple(_tool(check(tool, dict, f"tools[{i}]"), f"tools[{i}]") for i, tool in enumerate(tools))


def _tool(tool: dict[str, Json], path: str) -> FunctionTool | BuiltinTool:
    kind = check(tool.get("type"), str, f"{path}.type")
    if kind == "custom":
        return custom_function(tool, path)
    if kind != "function":
        return BuiltinTool(tool)
    if "name" not in tool or "function" in tool:
        tool, path = check(tool.get("function"), dict, f"{path}.function"), f"{path}.function"
    function = dict(tool)
    return FunctionTool(
        check(function.get("name"), str, f"{path}.name"),
        take(function, "description", str, path=f"{path}.description"),
        take(function, "parameters", dict, path=f"{path}.parameters"),
        take(function, "strict", bool, path=f"{path}.strict"),
    )


def narrow(tools: Tools, choice: Json) -> tuple[Tools, Json]:
    """The tools that `allowed_tools` leaves, and the choice between them; any other choice leaves them all."""
    if not isinstance(choice, dict) or choice.get("type") != "allowed_tools":
        return tools, choice
    allowed = check(choice.get("allowed_tools", choice), dict, "tool_choice.allowed_tools")
    named = set(map(_name, parse_tools(check(allowed.get("tools"), list, "tool_choice.tools"))))
    return tuple(tool for tool in tools if _name(tool) in named), allowed.get("mode")


def _name(tool: FunctionTool | BuiltinTool) -> Json:
    return tool.name if isinstance(tool, FunctionTool) else tool.body["type"]


def parse_tool_choice(choice: Json) -> ToolChoice | None:
    """`none`, `auto`, `required` or one tool by name."""
    if choice is None or choice in ("none", "auto", "required"):
        parsed: ToolChoice | None = choice
        return parsed
    if isinstance(choice, dict) and (kind := choice.get("type")) in {"function", "custom"}:
        tool = check(choice.get(kind, choice), dict, f"tool_choice.{kind}")
        return NamedTool(check(tool.get("name"), str, f"tool_choice.{kind}.name"))
    raise invalid("tool_choice", "must be none, auto, required, or a tool by name")
