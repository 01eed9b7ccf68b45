"""Gemini's contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from core.chat.requests import BuiltinTool, FunctionTool, Image, Json, Message, NamedTool, Text, ToolChoice
from core.dialects.dataurls import data_url, is_remote
from core.dialects.declared.forms.form import Form, Tool, json_object

_MODES = {"none": "NONE", "auto": "AUTO", "required": "ANY"}
_UPLOADED = "https://generativelanguage.googleapis.com/"


def _contents(turns: Sequence[Message]) -> list[Json]:
    """Turns of one side in a row are one content: the results of parallel calls must come together."""
    names = {call.call_id: call.name for turn in turns for call in turn.tool_calls}
    contents: list[Json] = []
    for turn in turns:
        role = "model" if turn.role == "assistant" else "user"
        parts = list(_parts(turn, names))
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _parts(turn: Message, names: Mapping[str, str]) -> Iterator[Json]:
    if turn.role == "tool":
        name = names.get(turn.tool_call_id or "", "")
        yield {"functionResponse": {"name": name, "response": json_object(turn.text)}}
        return
    for part in turn.parts:
        if isinstance(part, Image):
            yield _picture(part)
        elif isinstance(part, Text):
            yield {"text": part.text}
    for call in turn.tool_calls:
        yield {"functionCall": {"name": call.name, "args": json_object(call.arguments)}}


def _picture(image: Image) -> Json:
    if is_remote(image.url):
        return {"fileData": {"fileUri": image.url}}
    media_type, data = data_url(image.url)
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _must_hold(url: str) -> bool:
    """Gemini reads the files that were uploaded to it, and no others."""
    return is_remote(url) and not url.startswith(_UPLOADED)


def _tools(tools: Sequence[Tool]) -> Json:
    declarations = [_declaration(tool) for tool in tools if isinstance(tool, FunctionTool)]
    built_in = [dict(tool.body) for tool in tools if isinstance(tool, BuiltinTool)]
    return [*([{"functionDeclarations": declarations}] if declarations else []), *built_in]


def _declaration(tool: FunctionTool) -> Json:
    given = {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
    return {key: value for key, value in given.items() if value is not None}


def _tool_choice(choice: ToolChoice) -> Json:
    if isinstance(choice, NamedTool):
        return {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [choice.name]}}
    return {"functionCallingConfig": {"mode": _MODES[choice]}}


GEMINI = Form(messages=_contents, system=False, tools=_tools, tool_choice=_tool_choice, must_hold=_must_hold)
