"""Anthropic's messages."""

from __future__ import annotations

from collections.abc import Iterator

from core.chat.requests import BuiltinTool, Image, Json, Message, NamedTool, Text, ToolChoice
from core.dialects.dataurls import data_url, is_remote
from core.dialects.declared.forms.form import Form, Tool, json_object


def _message(turn: Message) -> Json:
    if turn.role == "tool":
        result = {"type": "tool_result", "tool_use_id": turn.tool_call_id or "", "content": turn.text}
        return {"role": "user", "content": [result]}
    if isinstance(turn.content, str) and not turn.tool_calls:
        return {"role": turn.role, "content": turn.content}
    return {"role": turn.role, "content": list(_blocks(turn))}


def _blocks(turn: Message) -> Iterator[Json]:
    for part in turn.parts:
        if isinstance(part, Image):
            yield {"type": "image", "source": _source(part)}
        elif isinstance(part, Text) and part.text:
            yield {"type": "text", "text": part.text, **part.extra}
    for call in turn.tool_calls:
        yield {"type": "tool_use", "id": call.call_id, "name": call.name, "input": json_object(call.arguments)}


def _source(image: Image) -> Json:
    if is_remote(image.url):
        return {"type": "url", "url": image.url}
    media_type, data = data_url(image.url)
    return {"type": "base64", "media_type": media_type, "data": data}


def _tool(tool: Tool) -> Json:
    if isinstance(tool, BuiltinTool):
        return dict(tool.body)
    encoded: dict[str, Json] = {"name": tool.name, "input_schema": tool.parameters or {"type": "object"}}
    return {**encoded, "description": tool.description} if tool.description else encoded


def _tool_choice(choice: ToolChoice) -> Json:
    if isinstance(choice, NamedTool):
        return {"type": "tool", "name": choice.name}
    return {"type": "any" if choice == "required" else choice}


ANTHROPIC = Form(
    messages=lambda turns: [_message(turn) for turn in turns],
    system=False,
    tools=lambda tools: [_tool(tool) for tool in tools],
    tool_choice=_tool_choice,
)
