"""An event loop in a thread of its own, so that a test may use blocking clients against what runs there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds after which a test that waits for something is taken to have failed."""


class LoopThread:
    """Runs coroutines and keeps asynchronous context managers open until the end."""

    def __init__(self, factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        self.loop = factory()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._exits.close()
            self.run(_cancel_the_rest())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE)
            self.loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        """What `context` gives; it is left when the loop ends."""
        entered = self.run(_await(context.__aenter__()))
        self._exits.callback(lambda: self.run(_await(context.__aexit__(None, None, None))))
        return entered


async def _await(awaitable: Any) -> Any:
    return await awaitable


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
