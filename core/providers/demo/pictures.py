"""Pictures: some glass discs before a coloured sky, different for each prompt."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from colorsys import hsv_to_rgb
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

LONGEST_SIDE: Final = 1024
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOUR: Final = bytes([8, 2, 0, 0, 0])
_DISC_BYTES: Final = 5

Colour: TypeAlias = tuple[float, ...]


def fitted(size: tuple[int, int]) -> tuple[int, int]:
    """`size`, or the largest of its shape that is drawn here."""
    width, height = size
    longest = max(size)
    if longest <= LONGEST_SIDE:
        return size
    return max(width * LONGEST_SIDE // longest, 1), max(height * LONGEST_SIDE // longest, 1)


def data_url(prompt: str, variation: int, size: tuple[int, int]) -> str:
    return "data:image/png;base64," + base64.b64encode(draw(prompt, variation, size)).decode()


def draw(prompt: str, variation: int, size: tuple[int, int]) -> bytes:
    """A PNG of `size`: the same for the same prompt and variation."""
    width, height = size
    hue, change, *chosen = sha256(f"{variation} {prompt}".encode("utf-8", "surrogatepass")).digest()
    top, bottom = _colour(hue, 0.55, 0.75), _colour(hue + 24 + change // 4, 0.35, 1.0)
    discs = [_disc(chosen[start : start + _DISC_BYTES], hue, size) for start in range(0, len(chosen), _DISC_BYTES)]
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # the filter of this row: none
        row = bytearray(bytes(map(round, _mixed(top, bottom, y / height))) * width)
        for disc in discs:
            disc.paint(row, width, y)
        rows += row
    header = struct.pack(">II", width, height) + _TRUE_COLOUR
    return b"".join([_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")])


class _Disc(NamedTuple):
    """`glass` has a table for each of red, green and blue: what a value looks like behind the disc."""

    x: float
    y: float
    radius: float
    glass: Sequence[bytes]

    def paint(self, row: bytearray, width: int, y: int) -> None:
        """What lies behind the disc in `row`, the one at `y`, takes its colour; at its rim in part."""
        half = math.sqrt(max(self.radius**2 - (y + 0.5 - self.y) ** 2, 0.0))
        left, right = self.x - half, self.x + half
        first, end = math.ceil(left), math.floor(right)
        inside = slice(3 * min(max(first, 0), width), 3 * min(max(end, 0), width))
        rims = ((first - 1, first - left), (end, right - end)) if end >= first else ()
        for channel, table in enumerate(self.glass):
            values = slice(inside.start + channel, inside.stop, 3)
            row[values] = row[values].translate(table)
            for x, share in rims:
                if 0 <= x < width:
                    value = row[3 * x + channel]
                    row[3 * x + channel] = round(value + (table[value] - value) * share)


def _disc(chosen: Sequence[int], hue: int, size: tuple[int, int]) -> _Disc:
    x, y, radius, shade, opacity = (value / 255 for value in chosen)
    colour = _colour(hue + 255 * (0.35 + 0.4 * shade), 0.6, 1.0)
    tables = [bytes(round(value + (tint - value) * (0.3 + 0.5 * opacity)) for value in range(256)) for tint in colour]
    return _Disc(x * size[0], y * size[1], (0.06 + 0.2 * radius) * min(size), tables)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    return tuple(255 * part for part in hsv_to_rgb(hue / 256, saturation, value))


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    return tuple(a + (b - a) * share for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
