"""Pictures, decoded as a browser would."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest

from core.providers.demo.pictures import data_url, draw, fitted

Pixel = tuple[int, ...]


def decoded(png: bytes) -> list[list[Pixel]]:
    """The rows of a PNG, each chunk of which must be whole."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    parts: dict[bytes, bytes] = {}
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, content = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", png, place + 8 + length)
        assert checksum == zlib.crc32(kind + content)
        parts[kind] = content
        place += 12 + length
    assert list(parts) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colours, *rest = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert (depth, colours, rest) == (8, 2, [0, 0, 0])
    raw = zlib.decompress(parts[b"IDAT"])
    assert len(raw) == height * (1 + 3 * width)
    lines = [raw[start : start + 1 + 3 * width] for start in range(0, len(raw), 1 + 3 * width)]
    assert {line[0] for line in lines} == {0}
    return [[tuple(line[x : x + 3]) for x in range(1, len(line), 3)] for line in lines]


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (64, 48), (1024, 1024)])
def test_a_picture_has_the_size_that_was_asked_for(size: tuple[int, int]) -> None:
    rows = decoded(draw("a cat on the moon", 0, size))
    assert (len(rows[0]), len(rows)) == size


def test_there_are_discs_before_a_sky_that_changes() -> None:
    rows = decoded(draw("a cat on the moon", 0, (64, 64)))
    skies = [max(row, key=row.count) for row in rows]
    assert len(set(skies)) > 32
    assert sum(pixel != sky for row, sky in zip(rows, skies, strict=True) for pixel in row) > 64 * 64 / 10


def test_the_rim_of_a_disc_is_smooth() -> None:
    """A pixel between the sky and a disc has a colour between theirs."""
    rows = decoded(draw("a cat on the moon", 0, (400, 400)))
    row = rows[112]  # through the middle of the disc at the top
    sky, rim = row[0], next(x for x, pixel in enumerate(row) if pixel != row[0])
    glass = row[rim + 1]
    assert glass == row[rim + 2]
    assert all(min(a, b) <= c <= max(a, b) for a, b, c in zip(sky, glass, row[rim], strict=True))
    assert row[rim] not in {sky, glass}


def test_the_same_prompt_gives_the_same_picture_and_others_other_ones() -> None:
    first = draw("a cat", 0, (32, 32))
    assert first == draw("a cat", 0, (32, 32))
    assert len({first, draw("a cat", 1, (32, 32)), draw("a dog", 0, (32, 32)), draw("\ud800", 0, (32, 32))}) == 4


def test_as_a_url_it_needs_no_second_request() -> None:
    scheme, _, content = data_url("a cat", 2, (16, 8)).partition(",")
    assert scheme == "data:image/png;base64"
    assert base64.b64decode(content) == draw("a cat", 2, (16, 8))


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [((512, 512), (512, 512)), ((1024, 1), (1024, 1)), ((1792, 1024), (1024, 585)), ((2, 90_000), (1, 1024))],
)
def test_what_is_too_large_is_drawn_smaller_in_the_same_shape(asked: tuple[int, int], drawn: tuple[int, int]) -> None:
    assert fitted(asked) == drawn
