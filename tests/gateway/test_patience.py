"""How long a stream may keep us waiting."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from core.chat.errors import UpstreamTimeout
from core.chat.events import Batch, TextDelta
from core.gateway.patience import Patience

SOON = 0.02
LONG = 30.0


class Stream:
    """Yields a batch for each `release()`, and remembers how it was ended."""

    def __init__(self) -> None:
        self.ended: BaseException | None = None
        self._released: asyncio.Queue[bool] = asyncio.Queue()

    def release(self) -> None:
        self._released.put_nowait(True)

    def end(self) -> None:
        self._released.put_nowait(False)

    async def events(self) -> AsyncGenerator[Batch]:
        try:
            while await self._released.get():
                yield [TextDelta("x")]
        except BaseException as error:
            self.ended = error
            raise


@pytest.fixture
def stream() -> Stream:
    return Stream()


def patience(stream: Stream, within: float = LONG) -> Patience:
    return Patience(stream.events(), asyncio.get_running_loop().time() + within)


async def test_batches_pass_and_the_end_is_none(stream):
    waiting = patience(stream)
    stream.release()
    assert await waiting.next(LONG) == [TextDelta("x")]
    stream.end()
    assert await waiting.next(LONG) is None
    waiting.stop()


async def test_a_silence_that_is_too_long(stream):
    waiting = patience(stream)
    with pytest.raises(UpstreamTimeout) as caught:
        await waiting.next(SOON)
    assert (caught.value.status, caught.value.code) == (504, "upstream_timeout")
    assert isinstance(stream.ended, asyncio.CancelledError), "what was waited for is told to stop"


async def test_the_deadline_counts_however_long_a_silence_may_be(stream):
    waiting = patience(stream, within=SOON)
    with pytest.raises(UpstreamTimeout) as caught:
        await waiting.next(LONG)
    assert caught.value.code == "deadline_exceeded"


async def test_a_deadline_that_has_passed(stream):
    waiting = patience(stream, within=-1.0)
    with pytest.raises(UpstreamTimeout) as caught:
        await waiting.next(LONG)
    assert caught.value.code == "deadline_exceeded"


async def test_each_wait_has_its_own_measure(stream):
    """A first wait that may be short, a second that may be long, and the other way round."""
    waiting = patience(stream)
    stream.release()
    await waiting.next(SOON)
    second = asyncio.create_task(waiting.next(LONG))
    await asyncio.sleep(2 * SOON)
    assert not second.done()
    stream.release()
    await second
    with pytest.raises(UpstreamTimeout):
        await waiting.next(SOON)


async def test_time_that_the_reader_takes_is_not_held_against_the_stream(stream):
    waiting = patience(stream)
    stream.release()
    await waiting.next(SOON)
    await asyncio.sleep(2 * SOON)
    stream.release()
    assert await waiting.next(LONG) == [TextDelta("x")]


async def test_a_caller_who_hangs_up_is_no_timeout(stream):
    waiting = patience(stream)
    reading = asyncio.create_task(waiting.next(LONG))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_a_hang_up_at_the_moment_of_the_timeout_stays_a_hang_up(stream):
    waiting = patience(stream)
    reading = asyncio.create_task(waiting.next(LONG))
    await asyncio.sleep(0)
    waiting._due = 0.0
    waiting._ring()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert reading.cancelling() == 1


async def test_a_timeout_leaves_the_task_as_it_was(stream):
    waiting = patience(stream)
    with pytest.raises(UpstreamTimeout):
        await waiting.next(SOON)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_stopped_one_leaves_no_timer(stream):
    waiting = patience(stream)
    stream.release()
    await waiting.next(LONG)
    timer = waiting._timer
    waiting.stop()
    assert timer is not None
    assert timer.cancelled()


async def test_a_sign_of_life_begins_the_wait_anew(stream):
    waiting = patience(stream)
    reading = asyncio.create_task(waiting.next(SOON))
    await asyncio.sleep(0)
    waiting.renew(LONG)
    await asyncio.sleep(2 * SOON)
    assert not reading.done()
    waiting.renew(SOON)
    with pytest.raises(UpstreamTimeout):
        await reading


async def test_no_sign_of_life_moves_the_deadline(stream):
    waiting = patience(stream, within=SOON)
    reading = asyncio.create_task(waiting.next(LONG))
    await asyncio.sleep(0)
    waiting.renew(LONG)
    with pytest.raises(UpstreamTimeout) as caught:
        async with asyncio.timeout(LONG / 2):
            await reading
    assert caught.value.code == "deadline_exceeded"
