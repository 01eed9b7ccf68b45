"""What the demo makes besides words, here and at once: vectors, pictures, speech, transcripts, a film.

Only its chats take the road over a connection; for these there is nothing on the way that could break.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from core.chat.errors import Retry, UpstreamError
from core.chat.media import (
    EmbeddingRequest,
    Embeddings,
    ImageRequest,
    Media,
    Picture,
    Pictures,
    SpeechRequest,
    Transcript,
    TranscriptionRequest,
    VideoJob,
    VideoRequest,
)
from core.chat.ports import ModelInfo, ModelKind, Token
from core.providers.demo.films import Films
from core.providers.demo.pictures import data_url, fitted
from core.providers.demo.scribe import write_down
from core.providers.demo.sounds import Utterance
from core.providers.demo.vectors import DIMENSIONS, MOST_DIMENSIONS, vector

PREFIX: Final = "demo/"
"""Before the names of its models, where others see them."""

SIZE: Final = (512, 512)
SLOWEST, FASTEST = 0.25, 4.0

_MADE: Final[Mapping[str, tuple[ModelKind, str]]] = {
    "embedding": ("embedding", "makes vectors: texts that share words lie near each other"),
    "picture": ("image", "draws discs of coloured glass, others for each prompt, up to 1024 by 1024 pixels"),
    "voice": ("speech", "sings a tone for each syllable; WAV or PCM, whatever else was asked for"),
    "scribe": ("transcription", "writes down how long a recording is, since it cannot hear"),
    "film": ("video", "shows a sunrise of 4 seconds, whatever the prompt; takes 3 seconds to make it"),
}
MODELS: Final = [
    ModelInfo(PREFIX + name, "demo", description=description, kind=kind) for name, (kind, description) in _MADE.items()
]


def expect(kind: ModelKind, model: str) -> None:
    """Raises `UpstreamError` where `model` is none for `kind`. What is no model of the studio may be one for chats."""
    actual = _MADE.get(model.removeprefix(PREFIX), ("chat", ""))[0]
    if actual != kind:
        raise _refused(f"The model `{model}` is of the kind {actual}, not {kind}.", "model", "unsupported_model")


class Studio:
    """The models for everything but chats. `pace` scales the time that a film takes."""

    def __init__(self, pace: float) -> None:
        self._films = Films(pace)

    async def embed(self, request: EmbeddingRequest, token: Token) -> Embeddings:  # noqa: ARG002  # there is no secret
        expect("embedding", request.model)
        dimensions = DIMENSIONS if request.dimensions is None else request.dimensions
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise _refused(f"`dimensions` must be from 1 to {MOST_DIMENSIONS}.", "dimensions", "invalid_value")
        return await asyncio.to_thread(_embeddings, request, dimensions)

    async def make_images(self, request: ImageRequest, token: Token) -> Pictures:  # noqa: ARG002  # there is no secret
        expect("image", request.model)
        return await asyncio.to_thread(_pictures, request)

    @asynccontextmanager
    async def speak(self, request: SpeechRequest, token: Token) -> AsyncIterator[Media]:  # noqa: ARG002  # there is no secret
        expect("speech", request.model)
        speed = request.parameters.get("speed", 1.0)
        utterance = Utterance(request.text, request.voice, min(max(speed, SLOWEST), FASTEST))
        if request.format == "pcm":
            yield Media("audio/pcm", utterance.samples())
        else:
            yield Media("audio/wav", utterance.wav())

    async def transcribe(self, request: TranscriptionRequest, token: Token) -> Transcript:  # noqa: ARG002  # there is no secret
        expect("transcription", request.model)
        return write_down(request.audio)

    async def make_video(self, request: VideoRequest, token: Token) -> VideoJob:  # noqa: ARG002  # there is no secret
        expect("video", request.model)
        return self._films.begin()

    async def video(self, reference: str, token: Token) -> VideoJob:  # noqa: ARG002  # there is no secret
        return self._films.job(reference)

    @asynccontextmanager
    async def video_content(self, reference: str, token: Token) -> AsyncIterator[Media]:  # noqa: ARG002  # there is no secret
        yield Media("video/mp4", _whole(self._films.content(reference)))


def _embeddings(request: EmbeddingRequest, dimensions: int) -> Embeddings:
    return Embeddings(tuple(vector(text, dimensions) for text in request.inputs))


def _pictures(request: ImageRequest) -> Pictures:
    wanted = request.size or SIZE
    size = fitted(wanted)
    pictures = tuple(Picture(data_url(request.prompt, variation, size)) for variation in range(request.n))
    ignored = [name for name in request.parameters if name != "user"]
    return Pictures(pictures, ignored=(*ignored, *["size"] * (size != wanted)))


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _refused(message: str, param: str, code: str) -> UpstreamError:
    return UpstreamError(
        message, status=400, type="invalid_request_error", code=code, param=param, retry=Retry.OTHER_ROUTE
    )
