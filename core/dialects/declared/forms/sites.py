"""Forms without tools: the Vercel AI SDK's UI messages, and Coze's additional messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from core.chat.requests import Image, Json, Message, Text
from core.dialects.dataurls import data_url, is_remote
from core.dialects.declared.forms.form import Form, in_words


def _ui_message(number: int, turn: Message) -> Json:
    role = "user" if turn.role == "tool" else turn.role
    return {"id": f"{role[0]}{number}", "role": role, "parts": list(_ui_parts(turn))}


def _ui_parts(turn: Message) -> Iterator[Json]:
    if turn.role == "tool" or turn.tool_calls:
        yield {"type": "text", "text": in_words(turn)}
        return
    for part in turn.parts:
        if isinstance(part, Image):
            media_type = "image/*" if is_remote(part.url) else data_url(part.url).media_type
            yield {"type": "file", "mediaType": media_type, "url": part.url}
        elif isinstance(part, Text):
            yield {"type": "text", "text": part.text}


UI_MESSAGES = Form(messages=lambda turns: [_ui_message(number, turn) for number, turn in enumerate(turns, start=1)])


def _coze_message(turn: Message) -> Json:
    message = {"role": "assistant" if turn.role == "assistant" else "user", "content": in_words(turn)}
    if turn.role == "assistant":
        return {**message, "content_type": "text", "type": "answer"}
    pictures = [{"type": "image", "file_url": part.url} for part in turn.parts if isinstance(part, Image)]
    if not pictures:
        return {**message, "content_type": "text"}
    objects = [{"type": "text", "text": turn.text}, *pictures] if turn.text else pictures
    return {**message, "content": json.dumps(objects, ensure_ascii=False), "content_type": "object_string"}


COZE = Form(messages=lambda turns: [_coze_message(turn) for turn in turns], system=False)
