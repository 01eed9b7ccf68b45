"""The seams between rooms: what the gateway asks of a provider and of a store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from core.chat.errors import Unavailable
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
from core.chat.requests import ChatRequest

SECRET_SCHEME = "secret://"  # noqa: S105  # a scheme, no secret
SECRET = re.compile(rf"{SECRET_SCHEME}([A-Za-z0-9_][A-Za-z0-9_.-]*)")


@dataclass(frozen=True, slots=True)
class Token:
    """A credential of an upstream. `label` names it in logs; `secret` never leaves but to its upstream."""

    label: str = field(compare=False)
    secret: str = field(repr=False)
    others: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The values of all further secrets that the provider's settings name."""

    def reveal(self, setting: str) -> str:
        """`setting` with each `secret://NAME` in it replaced. Raises `Unavailable` where one is not set."""
        return SECRET.sub(lambda named: self._other(named[1]), setting)

    def _other(self, name: str) -> str:
        if name not in self.others:
            raise Unavailable(f"The secret {name} is not set.")
        return self.others[name]


NO_TOKEN = Token("anonymous", "")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can carry. A request that needs more is refused before any upstream is troubled."""

    tools: bool = False
    images: bool = False
    other_parts: bool = False
    """Audio and file parts in OpenAI's form."""
    logprobs: bool = False
    stop: bool = False
    token_limit: bool = False
    response_format: bool = False
    """Whether it honours `stop`, `max_completion_tokens` and `response_format` itself; else we see to them."""


ModelKind: TypeAlias = Literal["chat", "embedding", "image", "speech", "transcription", "video"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that an upstream offers, by the upstream's id; `kind` is what it makes."""

    model: str
    owner: str = ""
    context_length: int | None = None
    max_output_tokens: int | None = None
    description: str = ""
    kind: ModelKind = "chat"


class ChatProvider(Protocol):
    """An upstream chat service.

    A provider has one mode: it streams. An upstream that cannot stream yields its text once, then `Finish`.
    Nobody asks a provider for its name in order to decide; what it can do is in `capabilities`.
    """

    capabilities: Capabilities
    first_event_timeout: float | None
    """Seconds it may take to its first event, where the gateway's own setting is too short for it."""

    def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        """The answer to `request` (whose `model` is now the upstream's), in batches, ending with one `Finish`.

        Raises `UpstreamError`. Closing the iterator closes the connection.
        """
        ...

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        """What the upstream offers now. Raises `UpstreamError`; empty where it has no list."""
        ...


@runtime_checkable
class EmbeddingProvider(Protocol):
    """A provider that makes vectors of texts. This one and those below: each raises `UpstreamError`."""

    async def embed(self, request: EmbeddingRequest, token: Token) -> Embeddings: ...


@runtime_checkable
class ImageProvider(Protocol):
    """A provider that makes pictures."""

    async def make_images(self, request: ImageRequest, token: Token) -> Pictures: ...


@runtime_checkable
class SpeechProvider(Protocol):
    """A provider that speaks. The sound is read within the block."""

    def speak(self, request: SpeechRequest, token: Token) -> AbstractAsyncContextManager[Media]: ...


@runtime_checkable
class TranscriptionProvider(Protocol):
    """A provider that writes down what is said."""

    async def transcribe(self, request: TranscriptionRequest, token: Token) -> Transcript: ...


@runtime_checkable
class VideoProvider(Protocol):
    """A provider that makes films. `reference` is a job's own, and `token` the one that began it."""

    async def make_video(self, request: VideoRequest, token: Token) -> VideoJob: ...

    async def video(self, reference: str, token: Token) -> VideoJob:
        """How far the job is now."""
        ...

    def video_content(self, reference: str, token: Token) -> AbstractAsyncContextManager[Media]:
        """The finished film, read within the block."""
        ...


class Credit(NamedTuple):
    """What is left to spend, of `allowance` where that is known."""

    remaining: float
    allowance: float | None = None
    unit: str = "USD"


@runtime_checkable
class CreditProvider(Protocol):
    """A provider that knows what is left on an account. Asking costs nothing."""

    async def credit(self, token: Token) -> Credit: ...


@runtime_checkable
class Closing(Protocol):
    """Whatever holds something open: the HTTP client, or a provider that opened more than that."""

    async def aclose(self) -> None: ...


class SecretStore(Protocol):
    """Where secrets are kept."""

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        """The values of those `names` that exist, in one go. Raises `Unavailable` where the store cannot answer."""
        ...


@runtime_checkable
class WritableSecrets(SecretStore, Protocol):
    """A store that `any2api secrets` can also write to."""

    async def store(self, name: str, value: str) -> None:
        """Write a secret, new or changed. Raises `ChatError` where that cannot be."""
        ...

    async def names(self) -> Sequence[str]:
        """The names of all secrets that are there, sorted."""
        ...
