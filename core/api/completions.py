"""`POST /v1/completions`: OpenAI's older text completions, answered by chat models."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request

from core.api.shared.access import authorize
from core.api.shared.body import read_json
from core.api.shared.errors import error_object, json_bytes
from core.api.shared.fields import bounded, invalid
from core.api.shared.reply import Reply
from core.api.shared.sampling import Common, take_common
from core.api.shared.state import gateway_of
from core.api.shared.usage import usage_object
from core.chat.completion import Completion
from core.chat.errors import ChatError
from core.chat.events import Batch, Finish, TextDelta, Usage
from core.chat.requests import ChatRequest, Json, Message

MAX_PROMPTS = 16
_NOT_FOR_CHAT = ("suffix", "echo", "best_of", "logprobs")
_REASONS = {"tool_calls": "stop"}

router = APIRouter()


@router.post("/v1/completions")
async def completions(request: Request) -> Reply:
    gateway = gateway_of(request)
    await authorize(request)
    body = await read_json(request, gateway.settings.max_body_bytes)
    chats, common = parse(body)
    return Reply(gateway, chats, TextRenderer(common.model, common.include_usage), common.ignored)


def parse(body: dict[str, Json]) -> tuple[list[ChatRequest], Common]:
    """A request for each choice of each prompt, in OpenAI's order. Raises `InvalidRequest` naming the field."""
    common = take_common(body)
    rest = common.parameters
    prompts = rest.pop("prompt", None)
    prompts = [prompts] if isinstance(prompts, str) else prompts
    if not isinstance(prompts, list) or not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise invalid("prompt", "must be a string or an array of strings")
    bounded(prompts, MAX_PROMPTS // common.n, "prompt")
    suffixes = [name for name in _NOT_FOR_CHAT if rest.pop(name, None)]
    chats = [
        ChatRequest(common.model, (Message("user", prompt),), common.stream, common.include_usage, parameters=rest)
        for prompt in prompts
        for _ in range(common.n)
    ]
    return chats, replace(common, ignored=(*common.ignored, *suffixes))


class TextRenderer:
    """`text_completion` objects, streamed or whole."""

    def __init__(self, model: str, include_usage: bool) -> None:
        self._envelope = {
            "id": "cmpl-" + secrets.token_hex(14),
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }
        self._include_usage = include_usage
        self._usages: list[Usage] = []

    def batch(self, index: int, batch: Batch) -> bytes:
        chunks = []
        for event in batch:
            if isinstance(event, TextDelta):
                chunks.append(self._chunk([_choice(index, event.text, None)]))
            elif isinstance(event, Finish):
                if event.usage is not None:
                    self._usages.append(event.usage)
                chunks.append(self._chunk([_choice(index, "", event)]))
        return b"".join(chunks)

    def end(self) -> bytes:
        usage = self._chunk([], usage_object(self._usages)) if self._include_usage else b""
        return usage + b"data: [DONE]\n\n"

    def error(self, error: ChatError) -> bytes:
        return b"data: " + json_bytes(error_object(error)) + b"\n\n"

    def whole(self, completions: Sequence[Completion]) -> Json:
        choices = [_choice(index, done.text, done.finish) for index, done in enumerate(completions)]
        usages = [done.finish.usage for done in completions if done.finish and done.finish.usage]
        return {**self._envelope, "choices": choices, "usage": usage_object(usages)}

    def _chunk(self, choices: list[Json], usage: Json = None) -> bytes:
        body = {**self._envelope, "choices": choices}
        if self._include_usage:
            body["usage"] = usage
        return b"data: " + json_bytes(body) + b"\n\n"


def _choice(index: int, text: str, finish: Finish | None) -> Json:
    reason = None if finish is None else _REASONS.get(finish.reason, finish.reason)
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}
