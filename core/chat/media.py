"""What else a model can be asked for besides chat: vectors, pictures, speech, transcripts, videos.

Named tuples, since a dataclass costs each cold start three times as much, and nothing here needs more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from core.chat.events import Usage
from core.chat.requests import Json

NO_PARAMETERS: Mapping[str, Json] = MappingProxyType({})


class Upload(NamedTuple):
    """A file that a caller sent along."""

    name: str
    media_type: str
    content: bytes


class Media(NamedTuple):
    """Bytes of some `media_type` (`audio/mpeg`, `video/mp4`), as they arrive.

    `ignored` are parameters that the upstream has no place for; `length` is how many bytes there are in all, where
    that is known.
    """

    media_type: str
    chunks: AsyncIterator[bytes]
    ignored: tuple[str, ...] = ()
    length: int | None = None


class EmbeddingRequest(NamedTuple):
    """Texts, or texts as token ids, to be made into vectors; `dimensions` is the length that a vector must have."""

    model: str
    inputs: tuple[str, ...] | tuple[tuple[int, ...], ...]
    dimensions: int | None = None
    parameters: Mapping[str, Json] = NO_PARAMETERS


class Embeddings(NamedTuple):
    """A vector for each input, in the order of the inputs."""

    vectors: tuple[Sequence[float], ...]
    usage: Usage | None = None


class ImageRequest(NamedTuple):
    """`size` is width and height in pixels; `as_bytes` asks for pictures that need no second request."""

    model: str
    prompt: str
    n: int = 1
    size: tuple[int, int] | None = None
    as_bytes: bool = False
    parameters: Mapping[str, Json] = NO_PARAMETERS


class Picture(NamedTuple):
    """`url` is an https or a data URL; `revised_prompt` what the upstream made of the prompt."""

    url: str
    revised_prompt: str = ""


class Pictures(NamedTuple):
    """`ignored` are parameters that the upstream has no place for."""

    pictures: tuple[Picture, ...]
    usage: Usage | None = None
    ignored: tuple[str, ...] = ()


class SpeechRequest(NamedTuple):
    """Text to be spoken. `format` is OpenAI's `response_format` (mp3, wav, …)."""

    model: str
    text: str
    voice: str
    format: str = "mp3"
    parameters: Mapping[str, Json] = NO_PARAMETERS


class TranscriptionRequest(NamedTuple):
    """Speech to be written down. `language` is an ISO-639-1 code."""

    model: str
    audio: Upload
    language: str | None = None
    parameters: Mapping[str, Json] = NO_PARAMETERS


class Transcript(NamedTuple):
    """`duration` in seconds; `details` are `segments`, `words`, … in OpenAI's form where the upstream gave them.

    `ignored` are parameters that the upstream has no place for.
    """

    text: str
    language: str | None = None
    duration: float | None = None
    details: Mapping[str, Json] = NO_PARAMETERS
    ignored: tuple[str, ...] = ()


class VideoRequest(NamedTuple):
    """A film of `seconds`; `picture` is its first frame."""

    model: str
    prompt: str
    seconds: int | None = None
    size: tuple[int, int] | None = None
    picture: Upload | None = None
    parameters: Mapping[str, Json] = NO_PARAMETERS


VideoStatus: TypeAlias = Literal["queued", "in_progress", "completed", "failed"]


class VideoJob(NamedTuple):
    """How far a film is. `reference` is all that its provider needs to find it again: an id, or where it lies.

    `progress` in percent; `error` says why it failed.
    """

    reference: str
    status: VideoStatus
    progress: int = 0
    error: str = ""
