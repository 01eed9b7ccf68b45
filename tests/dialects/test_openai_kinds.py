"""What models make, by entries as real services list them, and by names alone."""

from __future__ import annotations

import pytest

from core.chat.ports import ModelKind
from core.chat.requests import Json
from core.dialects.openai_kinds import kind_of


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"architecture": {"modality": "text->text", "output_modalities": ["text"]}}, "chat"),
        ({"architecture": {"output_modalities": ["image", "text"]}}, "chat"),
        ({"architecture": {"output_modalities": ["text", "audio"]}}, "chat"),
        ({"architecture": {"output_modalities": ["image"]}}, "image"),
        ({"architecture": {"output_modalities": ["embeddings"]}}, "embedding"),
        ({"architecture": {"output_modalities": ["speech"]}}, "speech"),
        ({"architecture": {"output_modalities": ["transcription"]}}, "transcription"),
        ({"architecture": {"output_modalities": ["video"]}}, "video"),
        ({"type": "embedding"}, "embedding"),
        ({"type": "language"}, "chat"),
        ({"type": "audio"}, "speech"),
        ({"type": "transcribe"}, "transcription"),
        ({"type": "embeddings"}, "embedding"),
        ({"type": "vlm"}, "chat"),
        ({"task": "embed"}, "embedding"),
        ({"task": "generate"}, "chat"),
        ({"task": {"id": "0137cdcf", "name": "Text-to-Image"}}, "image"),
        ({"task": {"id": "f52660a1", "name": "Automatic Speech Recognition"}}, "transcription"),
        ({"mode": "image_generation"}, "image"),
        ({"mode": "audio_speech"}, "speech"),
        ({"pipeline_tag": "feature-extraction"}, "embedding"),
        ({"capabilities": {"completion_chat": True, "vision": True, "audio_transcription": True}}, "chat"),
        ({"capabilities": {"completion_chat": False, "audio_transcription": True}}, "transcription"),
        ({"capabilities": {"type": "embeddings", "family": "ada"}}, "embedding"),
        ({"capabilities": ["completion", "tools"]}, "chat"),
        ({"capabilities": ["embedding"]}, "embedding"),
    ],
)
def test_what_an_entry_says_counts(entry: dict[str, Json], kind: ModelKind) -> None:
    assert kind_of({"id": "tts-whisper-dall-e", **entry}) == kind, "whatever its name may be"


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"architecture": None, "type": None, "capabilities": None},
        {"architecture": {"output_modalities": "hologram"}, "type": "model", "task": 7, "capabilities": [7, {}]},
        {"capabilities": {"vision": True, "function_calling": False}},
    ],
)
def test_an_entry_that_says_nothing_leaves_it_to_the_name(entry: dict[str, Json]) -> None:
    assert kind_of({"id": "gpt-image-1", **entry}) == "image"
    assert kind_of({"id": "gpt-5", **entry}) == "chat"


@pytest.mark.parametrize(
    ("kind", "names"),
    {
        "embedding": (
            "text-embedding-3-small", "openai/text-embedding-ada-002", "mistral-embed", "nomic-embed-text:latest",
            "BAAI/bge-m3", "intfloat/multilingual-e5-large", "Qwen/Qwen3-Embedding-8B", "gemini-embedding-001",
            "sentence-transformers/all-MiniLM-L6-v2",
        ),
        "image": (
            "dall-e-3", "gpt-image-1-mini", "black-forest-labs/FLUX.1-schnell", "stabilityai/stable-diffusion-3.5",
            "imagen-4.0-generate-001", "Qwen/Qwen-Image",
        ),
        "speech": ("tts-1-hd", "gpt-4o-mini-tts", "hexgrad/Kokoro-82M", "canopylabs/orpheus-3b"),
        "transcription": ("whisper-1", "openai/whisper-large-v3", "gpt-4o-transcribe-diarize", "qwen3-asr-flash"),
        "video": ("sora-2-pro", "google/veo-3.1", "Wan-AI/Wan2.2-T2V-A14B", "kling-v2"),
        "chat": (
            "gpt-5", "o3", "deepseek-chat", "claude-opus-4-1", "gemini-2.5-flash-image", "gpt-4o-audio-preview",
            "qwen3-coder", "solarflux", "attsbot", "command-a-03-2025",
        ),
    }.items(),
)  # fmt: skip
def test_well_known_names(kind: ModelKind, names: tuple[str, ...]) -> None:
    assert {name: kind_of({"id": name}) for name in names} == dict.fromkeys(names, kind)
