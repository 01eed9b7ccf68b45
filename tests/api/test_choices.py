"""Several answers to one request: opened, read and let go of together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from core.api.shared.choices import collect_all, merge, open_choices
from core.chat.errors import RateLimited, UpstreamTruncated
from core.chat.events import Batch, Finish, TextDelta
from core.chat.requests import ChatRequest
from core.gateway.answer import Answer
from core.gateway.record import Record
from tests.api.stage import ScriptedGateway, request

STOP = Finish("stop")


async def echo(asked: ChatRequest) -> AsyncGenerator[Batch]:
    yield [TextDelta(asked.messages[0].text)]
    yield [STOP]


async def breaks_if_asked(asked: ChatRequest) -> AsyncGenerator[Batch]:
    """Breaks for "bad"; any other answer never goes on."""
    yield [TextDelta("half")]
    if asked.messages[0].text == "bad":
        raise UpstreamTruncated
    await asyncio.Event().wait()


async def opened(gateway: Any, *texts: str) -> list[Answer]:
    return await open_choices(gateway, [request(text) for text in texts], Record(), None)


@pytest.mark.parametrize("texts", [["a"], ["a", "b", "c"]])
async def test_whole_answers_keep_their_order(texts: list[str]) -> None:
    completions = await collect_all(await opened(ScriptedGateway(echo), *texts))

    assert [done.text for done in completions] == texts


async def test_a_refusal_closes_what_was_open_and_stops_what_was_not() -> None:
    waiting = asyncio.Event()

    class Refusing(ScriptedGateway):
        async def opening(self, request: ChatRequest) -> None:
            match request.messages[0].text:
                case "slow":
                    try:
                        await asyncio.Event().wait()
                    finally:
                        waiting.set()
                case "refused":
                    assert self.answers, "the second choice is open by now"
                    raise RateLimited("no")

    gateway = Refusing(echo)
    with pytest.raises(RateLimited):
        await opened(gateway, "slow", "open", "refused")

    assert [answer.closed for answer in gateway.answers] == [True]
    assert waiting.is_set()


async def test_a_cancelled_opening_closes_what_was_open() -> None:
    class Slow(ScriptedGateway):
        async def opening(self, request: ChatRequest) -> None:
            if self.answers:
                task.cancel()
                await asyncio.Event().wait()

    gateway = Slow(echo)
    task = asyncio.create_task(opened(gateway, "open", "slow"))
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [answer.closed for answer in gateway.answers] == [True]


@pytest.mark.parametrize("texts", [["bad"], ["good", "bad"], ["bad", "good", "good"]])
async def test_the_first_failure_ends_all_whole_answers(texts: list[str]) -> None:
    answers = await opened(ScriptedGateway(breaks_if_asked), *texts)

    with pytest.raises(UpstreamTruncated):
        await collect_all(answers)
    for answer in answers:
        await answer.aclose()  # nobody reads them any more, so this is no error


@pytest.mark.parametrize("texts", [["bad"], ["good", "bad"], ["bad", "good", "good"]])
async def test_the_first_failure_ends_all_streams(texts: list[str]) -> None:
    answers = await opened(ScriptedGateway(breaks_if_asked), *texts)
    heard = []

    async def read() -> None:
        async for index, batch in merge(answers):
            heard.append((index, batch))

    with pytest.raises(UpstreamTruncated):
        await read()

    bad = texts.index("bad")
    assert (bad, [TextDelta("half")]) in heard
    assert all(answer.closed for answer in answers) or len(texts) == 1


async def test_streams_are_merged_as_they_come() -> None:
    turn = asyncio.Event()

    async def script(asked: ChatRequest) -> AsyncGenerator[Batch]:
        if asked.messages[0].text == "second":
            await turn.wait()
        yield [TextDelta(asked.messages[0].text)]
        yield [STOP]
        turn.set()

    merged = [item async for item in merge(await opened(ScriptedGateway(script), "second", "first"))]

    assert merged == [(1, [TextDelta("first")]), (1, [STOP]), (0, [TextDelta("second")]), (0, [STOP])]
