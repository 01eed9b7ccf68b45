"""The last requests of this instance, for people to look at. Nothing here outlives the process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.gateway.record import Record

KEPT = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One answered request. `at` is when it ended, in seconds since 1970; `seconds` how long it took in all."""

    at: float
    request_id: str
    path: str
    status: int
    seconds: float
    record: Record


class Activity:
    """A ring of the last `KEPT` requests that came with a valid key, and how many there were in all."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.since = clock()
        self.total = 0
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def add(self, request_id: str, path: str, status: int, seconds: float, record: Record) -> None:
        """Note a request. What went wrong inside stays out, since a traceback keeps whole requests in memory."""
        self.total += 1
        self._entries.append(Entry(self._clock(), request_id, path, status, seconds, replace(record, cause=None)))

    def newest_first(self) -> list[Entry]:
        return list(reversed(self._entries))
