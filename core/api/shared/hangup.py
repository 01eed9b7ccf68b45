"""Notices a caller who hangs up, whatever we are waiting for at that moment."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

from core.chat.errors import ChatError


class CallerGone(BaseException):
    """The caller hung up: nobody is left to answer.

    Like a cancellation it is no `Exception`, so that nobody on its way takes it for a failure and answers it.
    """


class Hangup:
    """Within this block the caller's hang-up cancels the task, and leaves as `CallerGone`.

    `leave()` does the same for a caller who is still there but no longer reads.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._task: asyncio.Task[object] | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def gone(self) -> bool:
        """The caller is gone; a cancellation with nobody gone comes from a server that stops."""
        return self._gone

    def leave(self) -> None:
        if self._task is not None and not self._gone:
            self._gone = True
            self._task.cancel()

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        assert self._watcher is not None  # noqa: S101  # set on entry
        self._watcher.cancel()
        await asyncio.wait([self._watcher])
        if self._gone and task is not None and task.uncancel() == 0 and kind in {asyncio.CancelledError, None}:
            raise CallerGone from None

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.leave()


def stopping() -> ChatError:
    """What those hear who are still there when the server stops."""
    return ChatError("The server is stopping.", status=503, code="server_stopping")
