"""`POST /v1/chat/completions`, OpenAI's chat, and `POST /`, the same with openai-workers-proxy's defaults."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fastapi import APIRouter, Request

from core.api.shared.access import authorize
from core.api.shared.blocks import in_chat_form
from core.api.shared.body import read_json
from core.api.shared.custom import Form, Forms, custom_input, forms_of, given_to, with_inputs
from core.api.shared.errors import error_object, json_bytes
from core.api.shared.fields import take
from core.api.shared.messages import narrow, parse_messages, parse_tool_choice, parse_tools
from core.api.shared.reply import Reply
from core.api.shared.responses import is_responses_body, parse_responses
from core.api.shared.sampling import Common, take_common
from core.api.shared.state import gateway_of
from core.api.shared.usage import usage_object
from core.chat.completion import Completion
from core.chat.errors import ChatError
from core.chat.events import (
    Batch,
    Finish,
    ImageOutput,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.requests import ChatRequest, Json

PROXY_DEFAULTS: Mapping[str, Json] = {"model": "gpt-3.5-turbo", "temperature": 0.7, "max_tokens": 1000}

router = APIRouter()


@router.post("/v1/chat/completions")
async def chat_completions(request: Request) -> Reply:
    return await _reply(request, {})


@router.post("/")
async def proxy(request: Request) -> Reply:
    return await _reply(request, PROXY_DEFAULTS)


async def _reply(request: Request, defaults: Mapping[str, Json]) -> Reply:
    gateway = gateway_of(request)
    await authorize(request)
    body = await read_json(request, gateway.settings.max_body_bytes)
    given = {name: value for name, value in body.items() if value is not None}
    chats, common = parse({**defaults, **given})
    renderer = ChatRenderer(common.model, common.include_usage, forms_of(given.get("tools") or ()))
    return Reply(gateway, chats, renderer, common.ignored)


def parse(body: dict[str, Json]) -> tuple[list[ChatRequest], Common]:
    """One request for each choice that `body` wants. Raises `InvalidRequest` naming the field."""
    if is_responses_body(body):  # Cursor posts those here, and reads chunks
        chat, common = parse_responses(body)
        return [with_inputs(chat, forms_of(body.get("tools") or ()))] * common.n, common
    common = take_common(in_chat_form(body))
    rest = common.parameters
    messages = parse_messages(rest.pop("messages", None))
    tools, wanted = narrow(parse_tools(take(rest, "tools", list) or []), rest.pop("tool_choice", None))
    choice = parse_tool_choice(wanted)
    chat = ChatRequest(common.model, messages, common.stream, common.include_usage, tools, choice, rest)
    chat = with_inputs(chat, forms_of(body.get("tools") or ()))
    unheard = ("logprobs",) if rest.get("logprobs") else ()  # no event carries them
    return [chat] * common.n, replace(common, ignored=(*common.ignored, *unheard))


class ChatRenderer:
    """`chat.completion.chunk`s, or one `chat.completion`. `forms` are those of the custom tools."""

    def __init__(self, model: str, include_usage: bool, forms: Forms | None = None) -> None:
        self._envelope = {
            "id": "chatcmpl-" + secrets.token_hex(14),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._include_usage = include_usage
        self._head = (
            b"data: " + json_bytes(self._envelope)[:-1].replace(b"%", b"%%") + b',"choices":[{"index":%d,"delta":'
        )
        self._tail = b'}],"usage":null}\n\n' if include_usage else b"}]}\n\n"
        self._open = b',"finish_reason":null' + self._tail
        self._text_heads: dict[int, bytes] = {}
        self._call_indexes: dict[tuple[int, str], int] = {}
        self._forms = forms or {}
        self._inputs: dict[tuple[int, str], tuple[Form, list[str]]] = {}
        """What custom tools are called with: JSON that cannot be read before its end, and the form to tell it in."""
        self._usages: list[Usage] = []

    def batch(self, index: int, batch: Batch) -> bytes:
        chunks = []
        text_head = self._text_heads.get(index)
        if text_head is None:
            chunks.append(self._chunk(index, {"role": "assistant", "content": ""}))
            text_head = self._text_heads[index] = self._head_of(index) + b'{"content":'
        for event in batch:
            if type(event) is TextDelta:
                chunks.append(text_head + json_bytes(event.text) + b"}" + self._open)
            else:
                chunks.append(self._rarer(index, event))
        return b"".join(chunks)

    def end(self) -> bytes:
        usage = b""
        if self._include_usage:
            total = usage_object(self._usages)
            usage = b"data: " + json_bytes({**self._envelope, "choices": [], "usage": total}) + b"\n\n"
        return usage + b"data: [DONE]\n\n"

    def error(self, error: ChatError) -> bytes:
        return b"data: " + json_bytes(error_object(error)) + b"\n\n"

    def whole(self, completions: Sequence[Completion]) -> Json:
        choices = [_choice(index, completion, self._forms) for index, completion in enumerate(completions)]
        usages = [done.finish.usage for done in completions if done.finish and done.finish.usage]
        envelope = {**self._envelope, "object": "chat.completion"}
        return {**envelope, "choices": choices, "usage": usage_object(usages)}

    def _rarer(self, index: int, event: StreamEvent) -> bytes:
        match event:
            case ReasoningDelta(text):
                return self._chunk(index, {"content": "", "reasoning_content": text})
            case RefusalDelta(text):
                return self._chunk(index, {"content": "", "refusal": text})
            case ImageOutput(url):
                return self._chunk(index, {"content": "", "images": [_image(url)]})
            case ToolCallStart() | ToolCallDelta():
                return self._fragment(index, event)
            case Finish(reason, _, usage):
                if usage is not None:
                    self._usages.append(usage)
                return (
                    self._rest(index)
                    + self._head_of(index)
                    + b'{},"finish_reason":"'
                    + reason.encode()
                    + b'"'
                    + self._tail
                )
            case TextDelta() | TextReplacement() | Notice():
                return b""

    def _fragment(self, index: int, event: ToolCallStart | ToolCallDelta) -> bytes:
        calls, key = self._call_indexes, (index, event.call_id)
        if isinstance(event, ToolCallStart):
            calls[key] = sum(choice == index for choice, _ in calls)
            if event.name in self._forms:
                self._inputs[key] = self._forms[event.name], []
            return self._called(index, {"index": calls[key], **_call(event.call_id, event.name, "", self._forms)})
        if key in self._inputs:
            self._inputs[key][1].append(event.arguments)
            return b""
        return self._called(index, {"index": calls[key], "function": {"arguments": event.arguments}})

    def _rest(self, index: int) -> bytes:
        """What the custom tools of a choice are called with."""
        fragments = [
            {"index": self._call_indexes[key], form: given_to(form, custom_input("".join(held)))}
            for key, (form, held) in self._inputs.items()
            if key[0] == index
        ]
        return b"".join(self._called(index, fragment) for fragment in fragments)

    def _called(self, index: int, fragment: Json) -> bytes:
        return self._chunk(index, {"content": "", "tool_calls": [fragment]})

    def _chunk(self, index: int, delta: Json) -> bytes:
        return self._head_of(index) + json_bytes(delta) + self._open

    def _head_of(self, index: int) -> bytes:
        return self._head % index


def _choice(index: int, completion: Completion, forms: Forms) -> Json:
    finish = completion.finish
    assert finish is not None  # noqa: S101  # collect() gives no completion without one
    message: dict[str, Json] = {
        "role": "assistant",
        "content": completion.text or (None if completion.tool_calls or completion.refusal else ""),
        "refusal": completion.refusal or None,
    }
    if completion.reasoning:
        message["reasoning_content"] = completion.reasoning
    if completion.images:
        message["images"] = [_image(url) for url in completion.images]
    if completion.tool_calls:
        message["tool_calls"] = [
            _call(call.call_id, call.name, call.arguments, forms) for call in completion.tool_calls
        ]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish.reason}


def _call(call_id: str, name: str, arguments: str, forms: Forms) -> dict[str, Json]:
    form = forms.get(name)
    given = {"arguments": arguments} if form is None else given_to(form, custom_input(arguments))
    return {"id": call_id, "type": form or "function", form or "function": {"name": name, **given}}


def _image(url: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url}}
