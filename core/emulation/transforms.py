"""Changes to the events of an answer on their way, batch by batch."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from core.chat.events import Batch, Finish


class Transform(Protocol):
    """Sees every batch of one answer once, in order."""

    def pass_on(self, batch: Batch) -> Batch:
        """What goes on now. A `Finish` of its own, as the last event, ends the answer there."""
        ...


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
