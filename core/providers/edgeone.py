"""EdgeOne's AI chatbot starter: one address in front of several vendors, each answering in its own dialect.

The dialect is told from the first event of an answer, never from a model's name.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.events import Batch, StreamEvent
from core.chat.options import Options
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest, Json, Message
from core.dialects.answers import first_byte, json_body
from core.dialects.declared import presets
from core.dialects.declared.decoder import Decoder
from core.dialects.declared.errors import ErrorRule, from_answer
from core.dialects.declared.forms.form import in_words
from core.dialects.declared.paths import compile_path
from core.dialects.declared.response import Response
from core.dialects.inline import SplitInlineReasoning, TransformedDecoder
from core.dialects.parameters import left_out
from core.wire.client import HttpAnswer, HttpClient
from core.wire.decoding import Decoder as AnyDecoder
from core.wire.decoding import decode_body
from core.wire.frames import Frame
from core.wire.jsonvalues import JsonValuesFraming
from core.wire.sse import SSEFraming

SPLIT = "split_inline_reasoning"
OPENAI, ANTHROPIC, GEMINI = "openai-sse", "anthropic-sse", "gemini-sse"

ERRORS = (
    ErrorRule(
        status=400,
        contains="Daily usage limit exceeded",
        becomes=429,
        kind="insufficient_quota",
        code="daily_limit_exceeded",
    ),
    ErrorRule(status=400, contains="Unknown model", becomes=404),
)


class Provider:
    """It takes a model and messages of text, and nothing else."""

    capabilities = Capabilities()

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._base_url = options.text("base_url", "https://ai-chatbot-starter.edgeone.app").rstrip("/")
        transform = options.text("transform", "")
        if transform not in {"", SPLIT}:
            raise options.error("transform", f'is "{SPLIT}" or nothing here')
        self._splits = transform == SPLIT
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        self._http = http
        self._dialects = {name: presets.response(name) for name in (OPENAI, ANTHROPIC, GEMINI)}

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:  # noqa: ARG002  # it has none
        async with self._http.request("POST", f"{self._base_url}/api/ai", json=encode(request)) as answer:
            is_json = await _first_byte(answer) in {b"{", b"["}
            if notices := left_out(request):
                yield notices
            framing = JsonValuesFraming() if is_json else SSEFraming()
            async for batch in decode_body(answer.chunks(), framing, self._decoder(is_json)):
                yield batch

    async def models(self, token: Token) -> Sequence[ModelInfo]:  # noqa: ARG002  # it has none
        async with self._http.request("POST", f"{self._base_url}/api/models", json={}) as answer:
            listed = await json_body(answer)
        if MODELS.first(listed) is None:
            raise UpstreamBadResponse("The upstream's list of models cannot be read.")
        return [ModelInfo(model) for model in MODEL_IDS.find(listed) if isinstance(model, str)]

    def _decoder(self, is_json: bool) -> AnyDecoder:
        dialects = {name: (is_json and each.json_answer) or each for name, each in self._dialects.items()}
        decoder = AnyVendorDecoder(dialects)
        return TransformedDecoder(decoder, SplitInlineReasoning) if self._splits else decoder


MODELS = compile_path("models")
MODEL_IDS = compile_path("models.*[disabled!=true].value")


def encode(request: ChatRequest) -> dict[str, Json]:
    return {"model": request.model, "messages": [_message(message) for message in request.messages]}


def _message(message: Message) -> dict[str, Json]:
    return {"role": "user" if message.role == "tool" else message.role, "content": in_words(message)}


class AnyVendorDecoder:
    """Decodes in the dialect that the first event is in."""

    def __init__(self, dialects: Mapping[str, Response]) -> None:
        self._dialects = dialects
        self._decoder: Decoder | None = None
        self.finished = False

    def decode(self, frame: Frame) -> Iterator[StreamEvent]:
        if self._decoder is None:
            self._decoder = Decoder(self._dialects[dialect_of(frame.data)])
        yield from self._decoder.decode(frame)
        self.finished = self._decoder.finished

    def end(self) -> Iterator[StreamEvent]:
        if self._decoder is None:
            raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        yield from self._decoder.end()


def dialect_of(event: str) -> str:
    """The dialect of an event, or of a whole answer, by the keys it has; OpenAI's where they say nothing."""
    try:
        value = json.loads(event)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return OPENAI
    if "candidates" in value or "promptFeedback" in value:
        return GEMINI
    return ANTHROPIC if isinstance(value.get("type"), str) and "choices" not in value else OPENAI


async def _first_byte(answer: HttpAnswer) -> bytes:
    if not 200 <= answer.status < 300:
        raise from_answer(ERRORS, answer.status, answer.headers, await answer.read())
    return await first_byte(answer)
