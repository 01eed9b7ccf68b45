"""No test waits for ever."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

LONGEST = 60


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Breaks a test off that takes a whole minute, also where its event loop is stuck."""
    before = signal.signal(signal.SIGALRM, _break_off)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _break_off(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"this test takes more than {LONGEST} s")
