"""Changes to the events of an answer on their way, batch by batch."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from core.chat.events import Batch, Finish, StreamEvent


class Transform(Protocol):
    """Sees every batch of one answer once, in order."""

    def pass_on(self, batch: Batch) -> Batch:
        """What goes on now. A `Finish` of its own, as the last event, ends the answer there."""
        ...


def up_to_finish(batch: Batch, pass_on: Callable[[StreamEvent], Sequence[StreamEvent]]) -> Batch:
    """What `pass_on` makes of each event of `batch`, and nothing behind a `Finish`."""
    passed: list[StreamEvent] = []
    for event in batch:
        passed += pass_on(event)
        if passed and isinstance(passed[-1], Finish):
            break
    return passed


async def transformed(stream: AsyncGenerator[Batch], transforms: Sequence[Transform]) -> AsyncGenerator[Batch]:
    """The batches of `stream` through `transforms`. Once the answer is finished, whatever it came from is closed."""
    async with aclosing(stream):
        async for batch in stream:
            for transform in transforms:
                batch = transform.pass_on(batch)  # noqa: PLW2901  # one after the other
            if batch:
                yield batch
                if isinstance(batch[-1], Finish):
                    return
