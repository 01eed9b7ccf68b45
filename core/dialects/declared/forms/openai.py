"""OpenAI's chat.completions and Responses, and Ollama's variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.chat.requests import BuiltinTool, ContentPart, Image, Json, Message, NamedTool, Text, ToolChoice
from core.dialects.dataurls import data_url, is_remote
from core.dialects.declared.forms.form import Form, Tool, json_object
from core.dialects.openai import encode_message, encode_tool


def _chat_tools(tools: Sequence[Tool]) -> Json:
    return [encode_tool(tool) for tool in tools]


def _chat_choice(choice: ToolChoice) -> Json:
    return {"type": "function", "function": {"name": choice.name}} if isinstance(choice, NamedTool) else choice


OPENAI = Form(
    messages=lambda turns: [encode_message(turn) for turn in turns],
    tools=_chat_tools,
    tool_choice=_chat_choice,
)


def _ollama_message(turn: Message) -> Json:
    message: dict[str, Json] = {"role": turn.role, "content": turn.text}
    if pictures := [data_url(part.url).base64 for part in turn.parts if isinstance(part, Image)]:
        message["images"] = pictures
    if turn.tool_calls:
        calls = ((call.name, json_object(call.arguments)) for call in turn.tool_calls)
        message["tool_calls"] = [{"function": {"name": name, "arguments": arguments}} for name, arguments in calls]
    return message


OLLAMA = Form(
    messages=lambda turns: [_ollama_message(turn) for turn in turns],
    tools=_chat_tools,
    must_hold=is_remote,
)


def _items(turns: Sequence[Message]) -> Iterator[Json]:
    for turn in turns:
        if turn.role == "tool":
            yield {"type": "function_call_output", "call_id": turn.tool_call_id or "", "output": turn.text}
        elif turn.content:
            yield {"role": turn.role, "content": _item_content(turn)}
        for call in turn.tool_calls:
            yield {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}


def _item_content(turn: Message) -> Json:
    return turn.content if isinstance(turn.content, str) else [_item_part(part, turn.role) for part in turn.parts]


def _item_part(part: ContentPart, role: str) -> Json:
    if isinstance(part, Text):
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}
    return dict(part.body)


def _item_tool(tool: Tool) -> Json:
    if isinstance(tool, BuiltinTool):
        return dict(tool.body)
    return {"type": "function", "strict": False, **encode_tool(tool)["function"]}


RESPONSES = Form(
    messages=lambda turns: list(_items(turns)),
    tools=lambda tools: [_item_tool(tool) for tool in tools],
    tool_choice=lambda choice: {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice,
)
