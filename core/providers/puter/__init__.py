"""Puter (puter.com): several hundred models of many vendors behind one account, asked through its driver call.

Any Puter token will do, also a free account's. Puter's official OpenAI-compatible endpoint is another thing: it wants
a paid plan, hides errors and reasoning, and is served by `kind = "openai"` with
`base_url = "https://api.puter.com/puterai/openai/v1"`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from core.chat.events import Batch
from core.chat.media import (
    ImageRequest,
    Media,
    Pictures,
    SpeechRequest,
    Transcript,
    TranscriptionRequest,
    VideoJob,
    VideoRequest,
)
from core.chat.options import Options
from core.chat.ports import Capabilities, Credit, ModelInfo, Token
from core.chat.requests import ChatRequest
from core.dialects.pictures import inlined
from core.providers.puter import credit, images, lists, speech, transcription, videos
from core.providers.puter.answer import Decoder
from core.providers.puter.driver import Account, Driver, call
from core.providers.puter.models import Catalogue, Details, Dialect
from core.providers.puter.request import encode, left_out
from core.wire.client import HttpAnswer, HttpClient
from core.wire.decoding import decode_body
from core.wire.frames import Framing
from core.wire.jsonvalues import JsonValuesFraming
from core.wire.lines import LineFraming

CHAT = Driver("puter-chat-completion", "ai-chat", "complete")
PATIENCE = 120.0
"""Puter asks up to three vendors in turn, each several times, before it says that it failed."""


class Provider:
    capabilities = Capabilities(tools=True, images=True, token_limit=True)

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._base_url = options.text("base_url", "https://api.puter.com").rstrip("/")
        self.first_event_timeout = options.optional_number("first_event_timeout", PATIENCE)
        options.done()
        self._http = http
        self._catalogue = Catalogue()
        self._images = Details()
        self._videos = Details()

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        vendor = self._catalogue.vendor(request.model)
        if vendor.dialect is Dialect.CLAUDE:
            request = await inlined(request, self._http)
        args = encode(request, vendor)
        async with call(self._account(token), CHAT, args) as answer:
            if notices := left_out(request, vendor):
                yield notices
            async for batch in decode_body(answer.chunks(), _framing(answer), Decoder(vendor, request.max_tokens)):
                yield batch

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        """All models for chats, pictures, films and sound. Anyone may ask."""
        listed = await lists.ask(self._account(token))
        self._catalogue.learn(listed.chat)
        self._images.learn(listed.images)
        self._videos.learn(listed.videos)
        return listed.models()

    async def make_images(self, request: ImageRequest, token: Token) -> Pictures:
        return await images.make(self._account(token), request, self._images.of(request.model))

    def speak(self, request: SpeechRequest, token: Token) -> AbstractAsyncContextManager[Media]:
        return speech.speak(self._account(token), request)

    async def transcribe(self, request: TranscriptionRequest, token: Token) -> Transcript:
        return await transcription.transcribe(self._account(token), request)

    async def make_video(self, request: VideoRequest, token: Token) -> VideoJob:
        return await videos.make(self._account(token), request, self._videos.of(request.model))

    async def video(self, reference: str, token: Token) -> VideoJob:  # noqa: ARG002  # done when it was begun
        return videos.job(reference)

    def video_content(
        self,
        reference: str,
        token: Token,  # noqa: ARG002  # the film lies with somebody else
    ) -> AbstractAsyncContextManager[Media]:
        return videos.content(self._http, reference)

    async def credit(self, token: Token) -> Credit:
        return await credit.left(self._account(token))

    def _account(self, token: Token) -> Account:
        return Account(self._http, self._base_url, token.secret)


def _framing(answer: HttpAnswer) -> Framing:
    """One JSON document may span lines; of a stream, every line is an event of its own."""
    is_document = answer.headers.get("content-type", "").lower().startswith("application/json")
    return JsonValuesFraming() if is_document else LineFraming()
