"""Callers who leave while we wait, and those who do not."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from core.api.shared.hangup import CallerGone, Hangup
from tests.api.stage import Caller


async def test_a_hang_up_ends_the_waiting() -> None:
    caller = Caller()

    async def wait() -> None:
        async with Hangup(caller.receive):
            caller.gone.set()
            await asyncio.Event().wait()

    with pytest.raises(CallerGone):
        await wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_it_is_no_exception_that_anybody_takes_for_a_failure() -> None:
    assert not issubclass(CallerGone, Exception)


async def test_what_the_caller_still_sends_is_no_hang_up() -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"x", "more_body": True}] * 3
    emptied = asyncio.Event()

    async def receive() -> Message:
        if messages:
            return messages.pop()
        emptied.set()
        return await asyncio.Event().wait()  # type: ignore[return-value]  # never

    async with Hangup(receive):
        await emptied.wait()


async def test_a_failure_inside_stays_itself() -> None:
    caller = Caller()
    with pytest.raises(KeyError):
        async with Hangup(caller.receive):
            raise KeyError


async def test_a_cancellation_from_outside_stays_one() -> None:
    caller, entered = Caller(), asyncio.Event()

    async def wait() -> None:
        async with Hangup(caller.receive):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nobody_watches_once_it_is_over() -> None:
    caller = Caller()
    before = asyncio.all_tasks()
    async with Hangup(caller.receive) as hangup:
        assert len(asyncio.all_tasks() - before) == 1

    assert asyncio.all_tasks() == before
    hangup.leave()
    await asyncio.sleep(0)  # where a late cancellation would arrive
