"""A conversation in the form that survives Puter's own conversion, which differs by the vendor behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from core.chat.errors import InvalidRequest
from core.chat.requests import ContentPart, Image, Json, Message, Text, ToolCall
from core.dialects.dataurls import data_url
from core.providers.puter.models import Dialect


def encode_messages(messages: Sequence[Message], dialect: Dialect) -> list[Json]:
    """The turns of a conversation. One that says nothing is left out: Puter refuses it."""
    if dialect is Dialect.CLAUDE:
        # Puter keeps the first run of system turns and drops all others
        messages = sorted(messages, key=lambda message: message.role != "system")
    return [turn for message in messages for turn in _turns(message, dialect)]


def _turns(message: Message, dialect: Dialect) -> Iterator[Json]:
    if message.role == "tool":
        yield _tool_result(message, dialect)
    elif message.tool_calls:
        yield from _tool_calls(message, dialect)
    elif content := _content(message.content, dialect):
        yield {"role": message.role, "content": content}


def _tool_calls(message: Message, dialect: Dialect) -> Iterator[Json]:
    """The assistant's calls: beside text in OpenAI's form, alone as blocks.

    Alone in OpenAI's form, their arguments would reach the vendor encoded twice. Blocks come out in reverse where
    the vendor speaks chat.completions; for its responses Puter takes one block of a turn and forgets the rest.
    """
    content = _content(message.content, dialect)
    blocks = [_block(call) for call in message.tool_calls]
    if dialect is Dialect.RESPONSES:
        if content:
            yield {"role": "assistant", "content": content}
        for block in blocks:
            yield {"role": "assistant", "content": [block]}
    elif content:
        yield {"role": "assistant", "content": content, "tool_calls": [_call(call) for call in message.tool_calls]}
    else:
        yield {"role": "assistant", "content": blocks if dialect is Dialect.CLAUDE else blocks[::-1]}


def _block(call: ToolCall) -> Json:
    return {"type": "tool_use", "id": call.call_id, "name": call.name, "input": _input(call.arguments)}


def _call(call: ToolCall) -> Json:
    is_object = isinstance(_parsed(call.arguments), dict)
    arguments = call.arguments if is_object else json.dumps(_input(call.arguments), ensure_ascii=False)
    return {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _input(arguments: str) -> dict[str, Json]:
    """A call's arguments as the object that all vendors want; what is none is wrapped, so that nothing is lost."""
    value = _parsed(arguments or "{}")
    return value if isinstance(value, dict) else {"arguments": arguments}


def _parsed(text: str) -> Json:
    """The JSON value that `text` is; None where it is none, or one that could not be sent."""
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return value


def _tool_result(message: Message, dialect: Dialect) -> Json:
    if not any(isinstance(part, Image) for part in message.parts):
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
    if dialect is not Dialect.CLAUDE:
        raise InvalidRequest(
            "This model takes no pictures in the results of tools.", code="unsupported_content", param="messages"
        )
    result = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": _content(message.content, dialect)}
    return {"role": "user", "content": [result]}


def _content(content: str | tuple[ContentPart, ...] | None, dialect: Dialect) -> Json:
    if content is None or isinstance(content, str):
        return content
    return [_part(part, dialect) for part in content if part != Text("")]


def _part(part: ContentPart, dialect: Dialect) -> Json:
    if isinstance(part, Image):
        return _image(part, dialect)
    if not isinstance(part, Text):
        return dict(part.body)
    text: dict[str, Json] = {"type": "text", "text": part.text}
    if dialect is Dialect.CLAUDE and "cache_control" in part.extra:
        text["cache_control"] = part.extra["cache_control"]
    return text


def _image(image: Image, dialect: Dialect) -> Json:
    detail = {"detail": image.detail} if image.detail else {}
    match dialect:
        case Dialect.CHAT:
            return {"type": "image_url", "image_url": {"url": image.url, **detail}}
        case Dialect.RESPONSES:
            return {"type": "input_image", "image_url": image.url, **detail}
        case Dialect.CLAUDE:
            return {"type": "image", "source": _source(image.url)}


def _source(url: str) -> Json:
    media_type, data = data_url(url)
    return {"type": "base64", "media_type": media_type, "data": data}
