"""Bytes through a framing, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from core.wire.frames import Frame, Framing


def frames(framing: Framing, *chunks: bytes) -> list[Frame]:
    """All frames of a body that arrives in `chunks`."""
    return [frame for chunk in chunks for frame in framing.feed(chunk)] + framing.end()


def texts(found: Iterable[Frame]) -> list[str]:
    return [frame.data for frame in found]


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[offset : offset + size] for offset in range(0, len(body), size)]


def cut_at(body: bytes, offsets: Sequence[int]) -> list[bytes]:
    """`body` cut at `offsets`, each taken modulo its length; equal ones make empty chunks."""
    bounds = [0, *sorted(offset % (len(body) + 1) for offset in offsets), len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property tests: a busy machine is no failure."""

CUTS = st.lists(st.integers(0, 1000), max_size=12)
