"""Anthropic's blocks and tools where a chat is asked for: so Cursor sends them for models named claude-something."""

from __future__ import annotations

import json
from collections.abc import Iterator

from core.api.shared.fields import check
from core.chat.requests import Json

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_OURS = frozenset({"tool_use", "tool_result", "image", *_THOUGHTS})


def in_chat_form(body: dict[str, Json]) -> dict[str, Json]:
    """`body` with what is Anthropic's in it said in chat's words; what is nobody's stays, to be refused as it is."""
    changed = dict(body)
    if isinstance(messages := body.get("messages"), list):
        system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
        changed["messages"] = [*system, *(turn for message in messages for turn in _turns(message))]
        changed.pop("system", None)
    if isinstance(tools := body.get("tools"), list):
        changed["tools"] = [_tool(tool) for tool in tools]
    if isinstance(choice := body.get("tool_choice"), dict):
        changed["tool_choice"] = _choice(choice)
    return changed


def _tool(tool: Json) -> Json:
    if not isinstance(tool, dict) or "input_schema" not in tool:
        return tool
    function = {"name": tool.get("name"), "description": tool.get("description"), "parameters": tool["input_schema"]}
    return {"type": "function", "function": function}


def _choice(choice: dict[str, Json]) -> Json:
    if choice.get("type") == "tool":
        return {"type": "function", "function": {"name": choice.get("name")}}
    return _CHOICES.get(str(choice.get("type")), choice)


def _turns(message: Json) -> Iterator[Json]:
    """The message as chat has it: the results of tools before what else the user says."""
    blocks = _dicts(message.get("content")) if isinstance(message, dict) else []
    if not _OURS.intersection(_kind(block) for block in blocks):
        yield message
        return
    results = [block for block in blocks if _kind(block) == "tool_result"]
    yield from map(_result, results)
    shown = [part for result in results for part in _dicts(result.get("content")) if _kind(part) == "image"]
    spoken = [block for block in blocks if _kind(block) not in {"tool_result", "tool_use", *_THOUGHTS}]
    calls = [_call(block) for block in blocks if _kind(block) == "tool_use"]
    if calls or shown or spoken:
        parts = [_part(block) for block in (*shown, *spoken)]
        yield {**message, "content": parts, **({"tool_calls": calls} if calls else {})}


def _call(block: dict[str, Json]) -> Json:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    return {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": arguments}}


def _result(block: dict[str, Json]) -> Json:
    content = block.get("content") or ""
    if isinstance(content, list):
        content = [part for part in content if _kind(part) != "image"] or ""
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": content}


def _part(block: dict[str, Json]) -> Json:
    if _kind(block) != "image":
        return block
    source = check(block.get("source"), dict, "messages.content.source")
    url = source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}"
    return {"type": "image_url", "image_url": {"url": url}}


def _kind(block: Json) -> str:
    return str(block.get("type")) if isinstance(block, dict) else ""


def _dicts(content: Json) -> list[dict[str, Json]]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
