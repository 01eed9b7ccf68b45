"""Speech, read back by Python's own reader of WAV."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from core.providers.demo.sounds import PAUSE, RATE, SYLLABLE, Utterance


async def wav(text: str, voice: str = "alloy", speed: float = 1.0) -> bytes:
    return b"".join([chunk async for chunk in Utterance(text, voice, speed).wav()])


async def heard(text: str, voice: str = "alloy", speed: float = 1.0) -> bytes:
    """The samples, all that the header promises."""
    content = await wav(text, voice, speed)
    with wave.open(io.BytesIO(content)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, RATE)
        samples = reader.readframes(reader.getnframes())
    assert content[-len(samples) :] == samples
    assert struct.unpack_from("<I", content, 4) == (len(content) - 8,)
    assert len(content) == 44 + len(samples)
    return samples


@pytest.mark.parametrize(
    ("text", "syllables", "pauses"),
    [
        ("cat", 1, 0),
        ("Hello, dear world!", 4, 2),
        ("banana", 3, 0),
        ("我喜欢猫", 4, 0),
        (" 42\n", 1, 2),
        ("\ud800", 1, 0),
    ],
)
async def test_each_syllable_has_its_time(text: str, syllables: int, pauses: int) -> None:
    seconds = syllables * SYLLABLE + pauses * PAUSE
    assert len(await heard(text)) == round(RATE * seconds) * 2


async def test_no_text_is_silence() -> None:
    content = await wav("")
    assert content[-8:] == b"data" + bytes(4)
    assert len(content) == 44


async def test_it_can_be_heard_and_does_not_click() -> None:
    samples = [value for (value,) in struct.iter_unpack("<h", await heard("Hello, dear world!"))]
    assert 5000 < max(samples) < 2**15 - 1
    assert max(abs(after - before) for before, after in zip([0, *samples], [*samples, 0], strict=True)) < 2000


async def test_words_voices_and_speed_can_be_told_apart() -> None:
    first = await heard("a cat sat")
    assert first == await heard("a cat sat")
    assert len({first, await heard("a dog sat"), await heard("a cat sat", "nova")}) == 3
    assert len(await heard("a cat sat", speed=2.0)) == len(first) // 2


async def test_words_come_one_after_the_other_and_are_the_same_without_a_header() -> None:
    words = [chunk async for chunk in Utterance("a cat sat", "alloy").samples()]
    assert len(words) == 3
    assert b"".join(words) == await heard("a cat sat")
