"""FlowGPT: a conversation is created first, then its answer is asked for; both speak for one prompt of the site.

The signature is the site's own check of its client. It is made of the user's own token and device, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, NamedTuple

from core.chat.errors import Retry, Unavailable, UnknownModel, UpstreamError
from core.chat.events import Batch, Finish, StreamEvent, TextDelta
from core.chat.options import Options
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest, Json
from core.dialects.answers import first_byte, json_body
from core.dialects.failures import from_event
from core.dialects.inline import StripPrefixUntil, TransformedDecoder
from core.dialects.openai import encode_message
from core.dialects.parameters import left_out
from core.dialects.surrogates import Surrogates
from core.wire import decoding
from core.wire.client import HttpClient
from core.wire.frames import Frame
from core.wire.lines import LineFraming

SITE = "https://flowgpt.com"
DEFAULT_PROMPTS: Final[Mapping[str, str]] = {"gpt-4-free": "uzNcMUGo4sOwl4GFvRpm8"}
DEFAULT_TEMPERATURE = 0.7


class Stamp(NamedTuple):
    """What makes one request unique."""

    timestamp: str
    nonce: str


Signature = Callable[[Stamp, str, str], str]
"""What is hashed, of a stamp, the device and the value of the Authorization header."""

SIGNATURES: Final[Mapping[str, Signature | None]] = {
    "concat": lambda stamp, device, _: f"{stamp.timestamp}{stamp.nonce}{device}",
    "dashes-authorization": lambda stamp, _, authorization: f"{stamp.timestamp}-{stamp.nonce}-{authorization}",
    "none": None,
}


class Provider:
    """`prompts` says which of the site's prompts answers for which model."""

    capabilities = Capabilities()

    def __init__(
        self,
        options: Options,
        http: HttpClient,
        *,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._base_url = options.text("base_url", "https://prod-backend-k8s.flowgpt.com").rstrip("/")
        self._device_id = options.text("device_id")
        signature = options.text("signature", "concat")
        if signature not in SIGNATURES:
            raise options.error("signature", f"must be one of {', '.join(SIGNATURES)}")
        self._signature = SIGNATURES[signature]
        self._prompts = options.texts("prompts") or DEFAULT_PROMPTS
        self._upstream_model = options.text("upstream_model", "FlowGPT-Ares")
        self._strip_prefix = options.text("strip_prefix", "Response:**")
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        self._http, self._clock, self._nonce = http, clock, nonce

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        prompt = self._prompts.get(request.model)
        if prompt is None:
            raise UnknownModel(request.model)
        headers = self._headers(token)
        conversation = await self._create_conversation(request, prompt, headers)
        body = encode_question(request, self._upstream_model, prompt, conversation)
        url, signed = f"{self._base_url}/v3/chat", self._signed(headers)
        async with self._http.request("POST", url, headers=signed, json=body) as answer:
            await first_byte(answer)
            if notices := left_out(request, taken={"temperature"}):
                yield notices
            async for batch in decoding.decode_body(answer.chunks(), LineFraming(cut_is_error=True), self._decoder()):
                yield batch

    async def models(self, token: Token) -> Sequence[ModelInfo]:  # noqa: ARG002  # the site has no list to ask for
        return [ModelInfo(model) for model in self._prompts]

    async def _create_conversation(self, request: ChatRequest, prompt: str, headers: Mapping[str, str]) -> str:
        url, body = f"{self._base_url}/conversation/create", encode_conversation(request, prompt)
        async with self._http.request("POST", url, headers=headers, json=body) as answer:
            return decode_conversation(await json_body(answer))

    def _headers(self, token: Token) -> dict[str, str]:
        if not token.secret:
            raise Unavailable("FlowGPT needs a token, and none is configured.")
        bearer = token.secret if token.secret.lower().startswith("bearer ") else f"Bearer {token.secret}"
        return {
            "Accept": "*/*",
            "Authorization": bearer,
            "Origin": SITE,
            "Referer": f"{SITE}/",
            "x-flow-device-id": token.reveal(self._device_id),
            "x-flow-language": "en",
        }

    def _signed(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        if self._signature is None:
            return headers
        stamp = Stamp(str(int(self._clock())), self._nonce())
        words = self._signature(stamp, headers["x-flow-device-id"], headers["Authorization"])
        digest = hashlib.md5(words.encode(), usedforsecurity=False).hexdigest()
        return {**headers, "x-nonce": stamp.nonce, "x-timestamp": stamp.timestamp, "x-signature": digest}

    def _decoder(self) -> decoding.Decoder:
        if not self._strip_prefix:
            return Decoder()
        return TransformedDecoder(Decoder(), lambda: StripPrefixUntil(self._strip_prefix))


def encode_conversation(request: ChatRequest, prompt: str) -> dict[str, Json]:
    """The body that creates a conversation: it carries the history."""
    messages = [encode_message(message) for message in request.messages]
    return {"promptId": prompt, "location": "CHAT_PAGE", "messages": messages}


def decode_conversation(created: Json) -> str:
    """The id of the conversation that was created."""
    conversation = created.get("id") if isinstance(created, dict) else None
    if isinstance(conversation, str) and conversation:
        return conversation
    if isinstance(created, dict) and created.get("error"):
        raise from_event(created)
    raise UpstreamError(
        "FlowGPT created a conversation without an id: its interface has changed.",
        code="upstream_contract_changed",
        retry=Retry.OTHER_ROUTE,
    )


def encode_question(request: ChatRequest, model: str, prompt: str, conversation: str) -> dict[str, Json]:
    """The body that asks for the answer to the last message."""
    return {
        "model": model,
        "nsfw": False,
        "question": request.messages[-1].text,
        "temperature": request.parameters.get("temperature", DEFAULT_TEMPERATURE),
        "userId": "",
        "promptId": prompt,
        "conversationId": conversation,
        "documentIds": [],
        "generateImage": False,
        "generateAudio": False,
    }


class Decoder:
    """Decodes one answer: the lines with `event: text`. Nothing marks its end but the end of the body."""

    def __init__(self) -> None:
        self.finished = False
        self._said_something = False
        self._surrogates = Surrogates()

    def decode(self, frame: Frame) -> Sequence[StreamEvent]:
        try:
            line = json.loads(frame.data)
            kind = line.get("event")
        except (ValueError, AttributeError, RecursionError):
            return ()
        if kind == "text" and isinstance(text := line.get("data"), str):
            return self._say(self._surrogates.join(text))
        if kind == "error" or line.get("error"):
            raise from_event(line if line.get("error") else line.get("data") or line)
        return ()

    def end(self) -> Sequence[StreamEvent]:
        rest = self._say(self._surrogates.end())
        if not self._said_something:
            raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        self.finished = True
        return (*rest, Finish("stop"))

    def _say(self, text: str) -> Sequence[StreamEvent]:
        if not text:
            return ()
        self._said_something = True
        return (TextDelta(text),)
