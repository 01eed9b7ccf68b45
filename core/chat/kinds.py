"""What a model makes, where nobody says so but its name."""

from __future__ import annotations

from typing import Final

from core.chat.ports import ModelKind

_STEMS: Final[tuple[tuple[ModelKind, tuple[str, ...]], ...]] = (
    ("embedding", ("embed", "bge-", "e5-", "gte-", "all-minilm")),
    ("transcription", ("whisper", "transcribe", "asr-")),
    ("speech", ("tts", "kokoro", "orpheus")),
    ("video", ("sora", "veo-", "kling", "wan2", "wan-2", "cogvideo", "hunyuanvideo", "hunyuan-video", "seedance",
               "hailuo")),
    ("image", ("dall-e", "gpt-image", "chatgpt-image", "flux", "stable-diffusion", "sdxl", "imagen", "qwen-image",
               "seedream", "ideogram", "recraft", "hidream", "kolors")),
)  # fmt: skip
"""How names begin, or a word within them."""


def kind_by_name(model: str) -> ModelKind:
    """`chat` where the name says nothing else."""
    name = "-" + "".join(letter if letter.isalnum() else "-" for letter in model.lower()) + "-"
    return next((kind for kind, stems in _STEMS if any(f"-{stem}" in name for stem in stems)), "chat")
