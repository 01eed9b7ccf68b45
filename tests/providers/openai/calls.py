"""Everything but conversation that can be asked of a provider, each as one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from core.chat.media import (
    EmbeddingRequest,
    ImageRequest,
    Media,
    SpeechRequest,
    TranscriptionRequest,
    Upload,
    VideoRequest,
)
from core.chat.ports import Token
from core.providers.openai import Provider

TOKEN = Token("t-1", "sk-upstream", {"ORG": "org-7"})
SOUND = Upload("a.mp3", "audio/mpeg", b"ID3")

Call = Callable[[Provider, str], Awaitable[Any]]

MAKING: Mapping[str, Call] = {
    "embeddings": lambda one, model: one.embed(EmbeddingRequest(model, ("x",)), TOKEN),
    "images": lambda one, model: one.make_images(ImageRequest(model, "x"), TOKEN),
    "speech": lambda one, model: read(one.speak(SpeechRequest(model, "x", "alloy"), TOKEN)),
    "transcriptions": lambda one, model: one.transcribe(TranscriptionRequest(model, SOUND), TOKEN),
    "videos": lambda one, model: one.make_video(VideoRequest(model, "x"), TOKEN),
}
LOOKING: Mapping[str, Call] = {
    "video": lambda one, _: one.video("video_0", TOKEN),
    "video_content": lambda one, _: read(one.video_content("video_0", TOKEN)),
}


async def read(block: AbstractAsyncContextManager[Media]) -> tuple[str, bytes]:
    """All that arrives within the block, and what it is."""
    async with block as media:
        return media.media_type, b"".join([chunk async for chunk in media.chunks])
