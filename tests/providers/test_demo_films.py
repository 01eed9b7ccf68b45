"""A film that takes a while, and nothing to keep meanwhile."""

from __future__ import annotations

import struct

import pytest

from core.chat.errors import Retry, UpstreamError
from core.chat.media import VideoJob
from core.providers.demo.films import FILM, Films


class Clock:
    now = 1_800_000_000.25

    def __call__(self) -> float:
        return self.now


def boxes(content: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    place = 0
    while place < len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        found[name] = content[place + 8 : place + length]
        place += length
    return found


def test_a_job_goes_on_with_the_time() -> None:
    clock = Clock()
    begun = Films(clock=clock).begin()
    assert begun == VideoJob("1800000000.250", "queued")
    told = []
    for _ in range(4):
        told.append(Films(clock=clock).job(begun.reference))  # whoever is asked, nobody has kept anything
        clock.now += 1
    assert told == [
        VideoJob(begun.reference, "in_progress", 0),
        VideoJob(begun.reference, "in_progress", 33),
        VideoJob(begun.reference, "in_progress", 66),
        VideoJob(begun.reference, "completed", 100),
    ]


def test_pace_shortens_the_time() -> None:
    clock = Clock()
    films = Films(0.5, clock)
    reference = films.begin().reference
    clock.now += 1.5
    assert films.job(reference).status == "completed"


def test_a_clock_that_is_behind_the_one_that_began_has_not_begun() -> None:
    clock = Clock()
    reference = Films(clock=clock).begin().reference
    clock.now -= 60
    assert Films(clock=clock).job(reference) == VideoJob(reference, "in_progress", 0)


def test_there_is_no_film_before_its_time() -> None:
    clock = Clock()
    films = Films(clock=clock)
    reference = films.begin().reference
    clock.now += 2.9
    with pytest.raises(UpstreamError) as raised:
        films.content(reference)
    assert (raised.value.status, raised.value.code, raised.value.retry) == (404, "video_not_ready", Retry.NEVER)
    clock.now += 0.1
    assert films.content(reference) == FILM.read_bytes()


def test_it_is_a_film_of_four_seconds_that_begins_before_all_of_it_is_there() -> None:
    parts = boxes(FILM.read_bytes())
    assert [*parts][:2] == [b"ftyp", b"moov"]
    assert b"mdat" in parts
    scale, duration = struct.unpack_from(">II", boxes(parts[b"moov"])[b"mvhd"], 12)
    assert duration / scale == 4
