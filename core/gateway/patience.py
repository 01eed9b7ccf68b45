"""Waits for an upstream's next events, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from core.chat.errors import UpstreamTimeout

T = TypeVar("T")


class Patience(Generic[T]):
    """Reads a stream under two clocks: how long one wait may last, and when everything must be over.

    One timer serves the whole stream and is set again only when it fires, so an item costs two attribute writes.
    Times are in seconds; `deadline` is a moment of the running loop's clock.
    """

    def __init__(self, stream: AsyncIterator[T], deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._due = deadline
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False

    async def next(self, seconds: float) -> T | None:
        """The next item, None at the end. Raises `UpstreamTimeout` after `seconds` or at the deadline."""
        self.renew(seconds)
        self._task = asyncio.current_task()
        try:
            return await anext(self._stream)
        except StopAsyncIteration:
            return None
        except asyncio.CancelledError:
            if self._expired and self._task is not None and self._task.uncancel() == 0:
                raise self._timeout() from None
            raise
        finally:
            self._task = None

    def renew(self, seconds: float) -> None:
        """The wait begins anew: something came, though nothing that the reader sees yet."""
        self._due = min(self._loop.time() + seconds, self._deadline)
        if self._timer is None or self._due < self._timer.when():
            self._arm()

    def stop(self) -> None:
        """No more waiting: the timer goes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.stop()
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._due:
            self._arm()
        else:
            self._expired = True
            self._task.cancel()

    def _timeout(self) -> UpstreamTimeout:
        if self._loop.time() >= self._deadline:
            return UpstreamTimeout("The time for this answer is over.", code="deadline_exceeded")
        return UpstreamTimeout("The upstream sent nothing for too long.")
