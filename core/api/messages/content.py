"""Anthropic's content blocks, put into the domain's words."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.api.shared.fields import check, invalid, take
from core.api.shared.turns import Turns, plain
from core.chat.requests import ContentPart, Image, Json, Message, OtherPart, Role, Text, ToolCall

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
"""The model's own, signed for Anthropic: nothing that another upstream could take back."""

FAILED = "The tool failed. "


def system_message(system: Json, path: str) -> Message:
    """A system prompt: a string, or blocks of text."""
    parts = tuple(_part(block, at) for block, at in _blocks(system, path))
    for index, part in enumerate(parts):
        if not isinstance(part, Text):
            raise invalid(f"{path}[{index}].type", "must be text")
    return Message("system", plain(parts))


def add_message(turns: Turns, message: dict[str, Json], path: str) -> None:
    """Adds a message to `turns`: as several, where it holds results of tools."""
    spoken = message.get("role")
    if not isinstance(spoken, str) or spoken not in _ROLES:
        raise invalid(f"{path}.role", f"must be one of {', '.join(_ROLES)}")
    role = _ROLES[spoken]
    blocks = _blocks(message.get("content"), f"{path}.content")
    if role == "assistant":
        _add_answer(turns, blocks)
        return
    for block, at in blocks:
        if block["type"] == "tool_result":
            _add_result(turns, block, at)
    parts = tuple(_part(block, at) for block, at in blocks if block["type"] != "tool_result")
    if parts or not blocks:
        turns.add(Message(role, plain(parts)))


def _blocks(content: Json, path: str) -> list[tuple[dict[str, Json], str]]:
    """Each block with its path; a string is a block of text."""
    if isinstance(content, str):
        return [({"type": "text", "text": content}, path)]
    if not isinstance(content, list):
        raise invalid(path, "must be a string or an array of blocks")
    blocks = [(check(block, dict, f"{path}[{index}]"), f"{path}[{index}]") for index, block in enumerate(content)]
    for block, at in blocks:
        check(block.get("type"), str, f"{at}.type")
    return blocks


def _add_answer(turns: Turns, blocks: Sequence[tuple[dict[str, Json], str]]) -> None:
    parts, calls = [], []
    for block, path in blocks:
        if block["type"] == "tool_use":
            calls.append(_tool_call(block, path))
        elif block["type"] not in _THOUGHTS:
            parts.append(_part(block, path))
    if parts or calls:
        turns.add(Message("assistant", plain(tuple(parts)) if parts else None, tuple(calls)))


def _tool_call(block: dict[str, Json], path: str) -> ToolCall:
    given = check(block.get("input", {}), dict, f"{path}.input")
    return ToolCall(
        check(block.get("id"), str, f"{path}.id"),
        check(block.get("name"), str, f"{path}.name"),
        json.dumps(given, ensure_ascii=False, separators=(",", ":")),
    )


def _add_result(turns: Turns, block: dict[str, Json], path: str) -> None:
    content = block.get("content")
    parts = [_part(part, at) for part, at in _blocks(content, f"{path}.content")] if content is not None else []
    if block.get("is_error"):  # only words can say so elsewhere
        parts.insert(0, Text(FAILED))
    call_id = check(block.get("tool_use_id"), str, f"{path}.tool_use_id")
    turns.result(call_id, plain(tuple(parts)), f"{path}.tool_use_id")


def _part(block: dict[str, Json], path: str) -> ContentPart:
    kind = block["type"]
    extra = {key: value for key, value in block.items() if key == "cache_control" and value is not None}
    if kind == "text":
        return Text(check(block.get("text"), str, f"{path}.text"), extra)
    if kind not in {"image", "document"}:
        raise invalid(f"{path}.type", f"is a kind of block that is not understood here ({kind[:64]})")
    source = dict(check(block.get("source"), dict, f"{path}.source"))
    return _image(source, f"{path}.source", extra) if kind == "image" else _document(block, source, f"{path}.source")


def _image(source: dict[str, Json], path: str, extra: dict[str, Json]) -> Image:
    if source.get("type") == "url":
        url = check(source.get("url"), str, f"{path}.url")
        if not url.startswith(("https://", "http://")):
            raise invalid(f"{path}.url", "must be an https:// URL")
        return Image(url, extra=extra)
    url = _data_url(source, path)
    if not url.startswith("data:image/"):
        raise invalid(f"{path}.media_type", "must be that of a picture")
    return Image(url, extra=extra)


def _document(block: dict[str, Json], source: dict[str, Json], path: str) -> ContentPart:
    if source.get("type") == "text":
        return Text(check(source.get("data"), str, f"{path}.data"))
    name = take(dict(block), "title", str, path=f"{path}.title") or "document.pdf"
    return OtherPart("file", {"type": "file", "file": {"filename": name, "file_data": _data_url(source, path)}})


def _data_url(source: dict[str, Json], path: str) -> str:
    if source.get("type") != "base64":
        raise invalid(f"{path}.type", "must be base64: nothing is stored here, and nothing fetched")
    media_type = check(source.get("media_type"), str, f"{path}.media_type")
    return f"data:{media_type};base64,{check(source.get('data'), str, f'{path}.data')}"
