"""The items of a Responses request, put into the domain's words."""

from __future__ import annotations

from collections.abc import Sequence

from core.api.shared.custom import custom_arguments
from core.api.shared.fields import bounded, check, invalid
from core.api.shared.messages import MAX_MESSAGES
from core.api.shared.turns import Turns, plain
from core.chat.requests import ContentPart, Image, Json, Message, OtherPart, Role, Text, ToolCall

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_TEXTS = {"input_text": "text", "output_text": "text", "text": "text", "summary_text": "text", "refusal": "refusal"}
_FILES = ("filename", "file_data", "file_id")


def parse_input(given: Json, instructions: str | None) -> tuple[Message, ...]:
    """The conversation in `input`, after `instructions`. Raises `InvalidRequest` whose `param` is a path."""
    turns = Turns()
    if instructions:
        turns.add(Message("system", instructions))
    if isinstance(given, str):
        turns.add(Message("user", given))
        return turns.messages()
    if not isinstance(given, list) or not given:
        raise invalid("input", "must be a string or a non-empty array of items")
    for index, item in enumerate(bounded(given, MAX_MESSAGES, "input")):
        _add(turns, check(item, dict, f"input[{index}]"), f"input[{index}]")
    if not turns.messages():
        raise invalid("input", "holds nothing that could be answered")
    return turns.messages()


def _add(turns: Turns, item: dict[str, Json], path: str) -> None:
    match item.get("type", "message"):
        case "message":
            turns.add(_message(item, path))
        case "function_call":
            call = check(item.get("call_id"), str, f"{path}.call_id")
            name = check(item.get("name"), str, f"{path}.name")
            turns.call(ToolCall(call, name, check(item.get("arguments", ""), str, f"{path}.arguments")))
        case "custom_tool_call":
            arguments = custom_arguments(check(item.get("input"), str, f"{path}.input"))
            call = check(item.get("call_id"), str, f"{path}.call_id")
            turns.call(ToolCall(call, check(item.get("name"), str, f"{path}.name"), arguments))
        case "function_call_output" | "custom_tool_call_output":
            output = _content(item.get("output"), f"{path}.output")
            turns.result(check(item.get("call_id"), str, f"{path}.call_id"), output, f"{path}.call_id")
        case "reasoning":  # the model's own, which no upstream takes back
            pass
        case "item_reference":
            raise invalid(path, "refers to an item, and nothing is stored here; send the item itself")
        case other:
            raise invalid(f"{path}.type", f"is a kind of item that is not understood here ({str(other)[:64]})")


def _message(item: dict[str, Json], path: str) -> Message:
    spoken = item.get("role")
    if not isinstance(spoken, str) or spoken not in _ROLES:
        raise invalid(f"{path}.role", f"must be one of {', '.join(_ROLES)}")
    return Message(_ROLES[spoken], _content(item.get("content"), f"{path}.content"))


def _content(content: Json, path: str) -> str | tuple[ContentPart, ...]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(path, "must be a string or an array of parts")
    return plain(tuple(_part(check(part, dict, f"{path}[{i}]"), f"{path}[{i}]") for i, part in enumerate(content)))


def _part(part: dict[str, Json], path: str) -> ContentPart:
    kind = check(part.get("type"), str, f"{path}.type")
    if kind in _TEXTS:
        return Text(check(part.get(_TEXTS[kind]), str, f"{path}.{_TEXTS[kind]}"))
    if kind in {"input_image", "image_url"}:
        return _image(part, f"{path}.image_url")
    if kind == "input_file":
        file = {name: part[name] for name in _FILES if part.get(name) is not None}
        return OtherPart("file", {"type": "file", "file": file})
    if kind == "input_audio":
        return OtherPart(kind, part)
    raise invalid(f"{path}.type", f"is a kind of part that is not understood here ({kind[:64]})")


def _image(part: dict[str, Json], path: str) -> Image:
    image = part.get("image_url")
    url = check(image.get("url") if isinstance(image, dict) else image, str, path)
    if not url.startswith(("data:image/", "https://", "http://")):
        raise invalid(path, "must be an https:// URL or a data:image/ URL")
    return Image(url, part.get("detail"))


def callers_own(tools: Sequence[Json]) -> tuple[list[Json], list[str]]:
    """The caller's own among `tools`, and the kinds of the others, which only OpenAI itself runs."""
    own: list[Json] = []
    others: list[str] = []
    for index, tool in enumerate(tools):
        kind = check(check(tool, dict, f"tools[{index}]").get("type"), str, f"tools[{index}].type")
        if kind in {"function", "custom"}:
            own.append(tool)
        else:
            others.append(kind)
    return own, others
