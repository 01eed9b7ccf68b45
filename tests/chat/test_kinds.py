"""What a name tells of a model."""

import pytest

from core.chat.kinds import kind_by_name


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("text-embedding-3-small", "embedding"),
        ("BAAI/bge-m3", "embedding"),
        ("openai:openai/gpt-image-1", "image"),
        ("black-forest-labs/FLUX.1-schnell", "image"),
        ("gpt-4o-mini-tts", "speech"),
        ("gpt-4o-mini-transcribe", "transcription"),
        ("whisper-1", "transcription"),
        ("sora-2", "video"),
        ("gpt-4o", "chat"),
        ("influx-chat", "chat"),
        ("", "chat"),
    ],
)
def test_a_name_tells_what_its_model_makes(model, kind):
    assert kind_by_name(model) == kind
