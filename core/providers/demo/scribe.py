"""A scribe that is deaf but honest: it writes down what can be known about a recording without hearing it."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from core.chat.media import NO_PARAMETERS, Transcript, Upload
from core.chat.requests import Json


def write_down(audio: Upload) -> Transcript:
    """A sentence about the recording; where its length is known, also each word with a time of its own."""
    seconds = wav_seconds(audio.content)
    length = "" if seconds is None else f" of {seconds:.1f} seconds"
    text = f"A recording{length}: {audio.name or audio.media_type}, {len(audio.content)} bytes."
    details = NO_PARAMETERS if seconds is None else _timed(text, seconds)
    return Transcript(text, "en", seconds, details)


def wav_seconds(content: bytes) -> float | None:
    """How long a WAV file lasts; None for anything else, and for one without an end to its header."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return None
    place, bytes_per_second = 12, 0
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        place += 8
        if name == b"fmt " and place + 12 <= len(content):
            (bytes_per_second,) = struct.unpack_from("<I", content, place + 8)
        if name == b"data":
            return min(size, len(content) - place) / bytes_per_second if bytes_per_second else None
        place += size + size % 2
    return None


def _timed(text: str, seconds: float) -> Mapping[str, Json]:
    """The words, spread evenly over the recording, and the one segment that they make."""
    spoken = text.split()
    step = seconds / len(spoken)
    words = [
        {"word": word, "start": round(n * step, 3), "end": round((n + 1) * step, 3)} for n, word in enumerate(spoken)
    ]
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": seconds,
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }
    return {"segments": [segment], "words": words}
