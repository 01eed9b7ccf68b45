"""Speech without words: each syllable is a tone, so that a text has a melody and a rhythm."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Final
from zlib import crc32

from core.providers.demo.replies import words

RATE: Final = 24_000
"""Samples in a second: what OpenAI's `pcm` has."""
SYLLABLE: Final = 0.12
PAUSE: Final = 0.06
SAMPLE_BYTES: Final = 2

_LOWEST: Final = 130.8
_SCALE: Final = (0, 2, 4, 7, 9, 12)
"""Semitones; any melody of these is a pleasant one."""
_LOUDNESS: Final = 9000
_SYLLABLE = re.compile("[^aeiouy]*[aeiouy]+(?:[^aeiouy]+$)?|.+", re.IGNORECASE)


class Utterance:
    """`text` in 16 bits, mono, in the pitch of `voice`."""

    def __init__(self, text: str, voice: str, speed: float = 1.0) -> None:
        self._words = [(word[0].isspace(), _SYLLABLE.findall(word.strip())) for word in words(text)]
        self._lowest = _LOWEST * 2 ** (_mark(voice) % 1000 / 1000)
        self._samples = round(RATE * SYLLABLE / speed)
        self._pause = bytes(round(RATE * PAUSE / speed) * SAMPLE_BYTES)
        self._tones: dict[int, bytes] = {}

    def header(self) -> bytes:
        """What makes a WAV file of the samples that follow."""
        pauses = sum(pause for pause, _ in self._words)
        syllables = sum(len(syllables) for _, syllables in self._words)
        length = pauses * len(self._pause) + syllables * self._samples * SAMPLE_BYTES
        form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
        return struct.pack("<4sI8sI16s4sI", b"RIFF", 36 + length, b"WAVEfmt ", len(form), form, b"data", length)

    async def samples(self) -> AsyncIterator[bytes]:
        """One word after the other."""
        for pause, syllables in self._words:
            yield self._pause * pause + b"".join(map(self._tone, syllables))

    async def wav(self) -> AsyncIterator[bytes]:
        yield self.header()
        async for word in self.samples():
            yield word

    def _tone(self, syllable: str) -> bytes:
        step = _SCALE[_mark(syllable) % len(_SCALE)]
        if step not in self._tones:
            self._tones[step] = _pcm(_swell(self._lowest * 2 ** (step / 12), self._samples))
        return self._tones[step]


def _swell(frequency: float, samples: int) -> list[int]:
    """A tone that comes and goes, since one that starts at once would click."""
    turn, swell = 2 * math.pi * frequency / RATE, math.pi / samples
    return [
        round(_LOUDNESS * math.sin(swell * n) * (math.sin(turn * n) + 0.4 * math.sin(2 * turn * n)))
        for n in range(samples)
    ]


def _pcm(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}h", *values)


def _mark(text: str) -> int:
    return crc32(text.casefold().encode("utf-8", "surrogatepass"))
