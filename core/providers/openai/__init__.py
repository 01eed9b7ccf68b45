"""Any service that speaks OpenAI's dialect: OpenAI itself, DeepSeek, OpenRouter, Ollama, vLLM, …

What a service lacks of it, it says itself when it is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from core.chat.events import Batch
from core.chat.media import (
    EmbeddingRequest,
    Embeddings,
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
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest
from core.dialects.openai_exchange import list_models
from core.providers.openai.audio import speak, transcribe
from core.providers.openai.chat import Chat
from core.providers.openai.connection import Connection
from core.providers.openai.embeddings import embed
from core.providers.openai.images import make_images
from core.providers.openai.videos import make_video, video, video_content
from core.wire.client import HttpClient


class Provider:
    capabilities = Capabilities(
        tools=True, images=True, other_parts=True, logprobs=True, stop=True, token_limit=True, response_format=True
    )

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._connection = Connection(options, http)
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        self._chat = Chat(self._connection)

    def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        return self._chat.stream(request, token)

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        url = self._connection.url("/models")
        return await list_models(self._connection.http, url, self._connection.headers(token))

    async def embed(self, request: EmbeddingRequest, token: Token) -> Embeddings:
        return await embed(self._connection, request, token)

    async def make_images(self, request: ImageRequest, token: Token) -> Pictures:
        return await make_images(self._connection, request, token)

    def speak(self, request: SpeechRequest, token: Token) -> AbstractAsyncContextManager[Media]:
        return speak(self._connection, request, token)

    async def transcribe(self, request: TranscriptionRequest, token: Token) -> Transcript:
        return await transcribe(self._connection, request, token)

    async def make_video(self, request: VideoRequest, token: Token) -> VideoJob:
        return await make_video(self._connection, request, token)

    async def video(self, reference: str, token: Token) -> VideoJob:
        return await video(self._connection, reference, token)

    def video_content(self, reference: str, token: Token) -> AbstractAsyncContextManager[Media]:
        return video_content(self._connection, reference, token)
