"""What the models of a list make: as their entries say in whatever words, else as their names tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from core.chat.kinds import kind_by_name
from core.chat.ports import ModelKind
from core.chat.requests import Json

_WORDS: Final[Mapping[str, ModelKind]] = {
    "embedding": "embedding",
    "embeddings": "embedding",
    "embed": "embedding",
    "text-embedding": "embedding",
    "text-embeddings": "embedding",
    "feature-extraction": "embedding",
    "chat": "chat",
    "chat-completion": "chat",
    "completion": "chat",
    "completion-chat": "chat",
    "code": "chat",
    "generate": "chat",
    "language": "chat",
    "llm": "chat",
    "text": "chat",
    "text-generation": "chat",
    "vlm": "chat",
    "transcription": "transcription",
    "transcribe": "transcription",
    "audio-transcription": "transcription",
    "automatic-speech-recognition": "transcription",
    "speech-to-text": "transcription",
    "image": "image",
    "image-generation": "image",
    "text-to-image": "image",
    "video": "video",
    "video-generation": "video",
    "text-to-video": "video",
    "audio": "speech",
    "audio-speech": "speech",
    "speech": "speech",
    "text-to-speech": "speech",
    "tts": "speech",
}
"""In the order in which they count: whatever talks besides all else is there to talk."""


def kind_of(entry: Mapping[str, Json]) -> ModelKind:
    """What the model of this entry makes; chat where nothing says otherwise."""
    for told in _told(entry):
        said = {_WORDS.get(word.lower().replace("_", "-").replace(" ", "-")) for word in told}
        if kind := next((kind for kind in _WORDS.values() if kind in said), None):
            return kind
    return kind_by_name(str(entry["id"]))


def _told(entry: Mapping[str, Json]) -> Iterable[list[str]]:
    """What an entry says of its model, in the many ways there are, the clearest ones first."""
    architecture = entry.get("architecture")
    if isinstance(architecture, dict):
        yield _words(architecture.get("output_modalities"))
    for key in ("output_modalities", "type", "task", "mode", "pipeline_tag", "capabilities"):
        yield _words(entry.get(key))


def _words(value: Json) -> list[str]:
    """The words of a string, of a list, or of an object: there, a `type` or `name`, or whatever is true."""
    if isinstance(value, dict):
        value = value.get("type") or value.get("name") or [key for key, holds in value.items() if holds is True]
    words = [value] if isinstance(value, str) else value
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
