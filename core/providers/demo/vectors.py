"""Vectors of texts: those that share words, or parts of words, lie near each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final
from zlib import crc32

from core.providers.demo.replies import words

DIMENSIONS: Final = 256
MOST_DIMENSIONS: Final = 1024
_PART: Final = 3


def vector(text: str | tuple[int, ...], dimensions: int = DIMENSIONS) -> list[float]:
    """The vector of length 1 for a text, or for a text as token ids."""
    sums = [0.0] * dimensions
    for feature in _features(text) if isinstance(text, str) else map(str, text):
        mark = crc32(feature.encode("utf-8", "surrogatepass"))
        sums[(mark >> 1) % dimensions] += 1.0 if mark & 1 else -1.0
    if not any(sums):  # a text without words, or one whose features cancel each other
        sums[0] = 1.0
    length = math.hypot(*sums)
    return [value / length for value in sums]


def _features(text: str) -> Iterator[str]:
    """Each word of `text`, and all parts of three letters in it."""
    for written in words(text.casefold()):
        if word := "".join(filter(str.isalnum, written)) or written.strip():
            yield word
            framed = f" {word} "
            yield from (framed[start : start + _PART] for start in range(len(framed) - _PART + 1))
