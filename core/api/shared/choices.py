"""Several answers to one request (`n`, or several prompts), opened side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from core.chat.completion import Completion, collect
from core.chat.events import Batch
from core.chat.requests import ChatRequest
from core.gateway.answer import Answer
from core.gateway.gateway import Gateway
from core.gateway.record import Record


async def open_choices(
    gateway: Gateway, chats: Sequence[ChatRequest], record: Record, remaining: float | None
) -> list[Answer]:
    """An answer to each of `chats`, all past their commit point; the first failure closes the others and is raised."""
    if len(chats) == 1:
        return [await gateway.open(chats[0], record, remaining=remaining)]
    records = [record, *(Record() for _ in chats[1:])]
    opening = [
        asyncio.create_task(gateway.open(chat, each, remaining=remaining))
        for chat, each in zip(chats, records, strict=True)
    ]
    try:
        return list(await asyncio.gather(*opening))
    except BaseException:
        for task in opening:
            task.cancel()
        for opened in await asyncio.gather(*opening, return_exceptions=True):
            if isinstance(opened, Answer):
                await opened.aclose()
        raise


async def collect_all(answers: Sequence[Answer]) -> list[Completion]:
    """All answers, finished; the first failure ends the reading of the others and is raised."""
    if len(answers) == 1:
        return [await collect(aiter(answers[0]))]
    reading = [asyncio.create_task(collect(aiter(answer))) for answer in answers]
    try:
        return list(await asyncio.gather(*reading))
    finally:
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)


async def merge(answers: list[Answer]) -> AsyncGenerator[tuple[int, Batch]]:
    """The batches of all answers as they come, each with the index of its answer."""
    if len(answers) == 1:
        async for batch in answers[0]:
            yield 0, batch
        return
    queue: asyncio.Queue[tuple[int, Batch | BaseException | None]] = asyncio.Queue(maxsize=len(answers))
    readers = [asyncio.create_task(_read(index, answer, queue)) for index, answer in enumerate(answers)]
    try:
        for _ in answers:
            while True:
                index, item = await queue.get()
                if item is None:
                    break
                if isinstance(item, BaseException):
                    raise item
                yield index, item
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)


async def _read(index: int, answer: Answer, queue: asyncio.Queue[tuple[int, Batch | BaseException | None]]) -> None:
    try:
        async with aclosing(answer):
            async for batch in answer:
                await queue.put((index, batch))
        await queue.put((index, None))
    except Exception as error:  # noqa: BLE001  # handed to the task that reads the queue, which raises it
        await queue.put((index, error))
