"""What a deaf scribe writes down."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from core.chat.media import Transcript, Upload
from core.providers.demo.scribe import wav_seconds, write_down


def recording(seconds: float, rate: int = 8000, width: int = 2, channels: int = 1) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as writer:
        writer.setparams((channels, width, rate, 0, "NONE", "not compressed"))
        writer.writeframes(bytes(round(seconds * rate) * width * channels))
    return written.getvalue()


WAV = recording(1.2)


def test_it_says_how_long_a_recording_is() -> None:
    written = write_down(Upload("hello.wav", "audio/wav", WAV))
    assert (written.text, written.language) == ("A recording of 1.2 seconds: hello.wav, 19244 bytes.", "en")
    assert written.duration == 1.2


def test_the_words_fill_the_recording() -> None:
    written = write_down(Upload("hello.wav", "audio/wav", WAV))
    words, [segment] = written.details["words"], written.details["segments"]
    assert " ".join(word["word"] for word in words) == segment["text"] == written.text
    assert (segment["start"], segment["end"]) == (0.0, 1.2)
    times = [0.0, *(word["end"] for word in words)]
    assert [word["start"] for word in words] == times[:-1]
    assert times == sorted(times)
    assert times[-1] == 1.2
    assert all(len(str(time)) <= len("0.123") for time in times)


def test_of_other_files_it_knows_the_size() -> None:
    written = write_down(Upload("", "audio/webm", b"\x1a\x45\xdf\xa3"))
    assert written == Transcript("A recording: audio/webm, 4 bytes.", "en")


@pytest.mark.parametrize("rate", [8000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2])
def test_any_wav_can_be_measured(rate: int, channels: int, width: int) -> None:
    assert wav_seconds(recording(0.5, rate, width, channels)) == 0.5


def test_other_chunks_are_passed_over() -> None:
    odd = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    assert wav_seconds(WAV[:12] + odd + WAV[12:]) == 1.2


def test_a_length_that_was_unknown_when_it_began_is_that_of_what_there_is() -> None:
    assert wav_seconds(WAV[:40] + b"\xff\xff\xff\xff" + WAV[44:]) == 1.2


@pytest.mark.parametrize(
    "content",
    [b"", b"ID3\x04", b"RIFF\0\0\0\0AVI ", *(WAV[:end] for end in range(12, 44)), WAV[:28] + bytes(4) + WAV[32:]],
)
def test_what_is_no_whole_header_tells_no_length(content: bytes) -> None:
    assert wav_seconds(content) is None
