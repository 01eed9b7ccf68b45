"""Notices who tries keys. Best effort: each instance counts for itself, and a busy one forgets."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable

WINDOW = 60.0
MANY = 20
MOST_ADDRESSES = 10_000
_LOG = logging.getLogger("any2api")


class Guesses:
    """Counts wrong keys by address within a minute. A valid key is never slowed down, whoever else is behind a NAT."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._counts: Counter[str] = Counter()
        self._since = clock()

    def wrong(self, address: str) -> float | None:
        """Count a wrong key. After many, how many seconds its sender should wait."""
        now = self._clock()
        if now - self._since >= WINDOW or len(self._counts) >= MOST_ADDRESSES:
            self._counts.clear()
            self._since = now
        label = hashlib.sha256(self._salt + address.encode()).hexdigest()[:12]
        self._counts[label] += 1
        if self._counts[label] < MANY:
            return None
        if self._counts[label] == MANY:
            _LOG.warning("address %s presented %d wrong keys within a minute", label, MANY)
        return WINDOW - (now - self._since)
