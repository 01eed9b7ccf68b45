"""What else a model can be asked for besides chat: vectors, pictures, speech, transcripts, videos."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from core.chat.events import Usage
from core.chat.requests import Json


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a caller sent along."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes of some `media_type` (`audio/mpeg`, `video/mp4`), as they arrive."""

    media_type: str
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts, or texts as token ids, to be made into vectors; `dimensions` is the length that a vector must have."""

    model: str
    inputs: tuple[str, ...] | tuple[tuple[int, ...], ...]
    dimensions: int | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A vector for each input, in the order of the inputs."""

    vectors: tuple[Sequence[float], ...]
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """`size` is width and height in pixels; `as_bytes` asks for pictures that need no second request."""

    model: str
    prompt: str
    n: int = 1
    size: tuple[int, int] | None = None
    as_bytes: bool = False
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """`url` is an https or a data URL; `revised_prompt` what the upstream made of the prompt."""

    url: str
    revised_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """`ignored` are parameters that the upstream has no place for."""

    pictures: tuple[Picture, ...]
    usage: Usage | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """Text to be spoken. `format` is OpenAI's `response_format` (mp3, wav, …)."""

    model: str
    text: str
    voice: str
    format: str = "mp3"
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """Speech to be written down. `language` is an ISO-639-1 code."""

    model: str
    audio: Upload
    language: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    """`duration` in seconds; `details` are `segments`, `words`, … in OpenAI's form where the upstream gave them."""

    text: str
    language: str | None = None
    duration: float | None = None
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """A film of `seconds`; `picture` is its first frame."""

    model: str
    prompt: str
    seconds: int | None = None
    size: tuple[int, int] | None = None
    picture: Upload | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)


VideoStatus: TypeAlias = Literal["queued", "in_progress", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class VideoJob:
    """How far a film is. `reference` is all that its provider needs to find it again: an id, or where it lies.

    `progress` in percent; `error` says why it failed.
    """

    reference: str
    status: VideoStatus
    progress: int = 0
    error: str = ""
