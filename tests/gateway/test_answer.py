"""An answer after its commit point: what its end, its failure and its being left mean."""

import asyncio

import pytest

from core.chat.errors import Blame, UpstreamError, UpstreamTimeout, UpstreamTruncated
from core.chat.events import Finish, Notice, ReasoningDelta, TextDelta, ToolCallStart, Usage
from core.chat.settings import GatewaySettings
from core.gateway import answer as module
from core.gateway.answer import Answer, ProviderFailure
from core.gateway.record import Record
from tests.support.road import ASKED, SILENCE, Road, Scripted

LIMITED = UpstreamError("Slow down.", status=429, code="rate_limited", blame=Blame.COOL, retry_after=30.0)


def road(*script, **settings: float) -> Road:
    return Road({"a": Scripted(script)}, tokens={"a": "secret-a"}, settings=GatewaySettings(**settings))


async def opened(of: Road) -> tuple[Answer, Record]:
    record = Record()
    return await of.gateway.open(ASKED, record), record


async def events(answer: Answer) -> list:
    return [event async for batch in answer for event in batch]


def provider(of: Road) -> Scripted:
    return of.upstreams["a"].provider


async def test_a_lawful_end(caplog):
    of = road([TextDelta("Hel")], [TextDelta("lo"), Finish("stop", "stop", Usage(3, 2))])
    answer, record = await opened(of)
    assert await events(answer) == [TextDelta("Hel"), TextDelta("lo"), Finish("stop", "stop", Usage(3, 2))]
    assert (record.finish, record.usage, record.error, record.events) == ("stop", Usage(3, 2), "", 3)
    assert provider(of).closed == 1


async def test_the_record_is_complete_before_the_last_event_is_passed_on():
    """After the last byte a platform may freeze us."""
    answer, record = await opened(road([TextDelta("x"), Finish("stop", None, Usage(3, 2))]))
    async for batch in answer:
        assert batch
        assert record.usage == Usage(3, 2)
        break
    await answer.aclose()


async def test_missing_usage_is_estimated():
    answer, record = await opened(road([TextDelta("x" * 400)], [Finish("length")]))
    *_, finish = await events(answer)
    assert finish.usage == record.usage
    assert finish.usage.completion_tokens == 100
    assert finish.usage.estimated


async def test_nothing_is_read_after_the_end():
    of = road([TextDelta("x"), Finish("stop")], [TextDelta("more")])
    answer, _ = await opened(of)
    assert len(await events(answer)) == 2
    assert provider(of).closed == 1


async def test_notices_and_provider_are_known_at_the_commit_point():
    answer, _ = await opened(road([Notice("top_p")], [Notice("seed"), TextDelta("x")], [Finish("stop")]))
    assert answer.notices == ["top_p", "seed"]
    assert answer.provider == "a"
    assert await events(answer) == [Notice("top_p"), Notice("seed"), TextDelta("x"), *(await _end())]


async def _end():
    return [Finish("stop", None, Usage(5, 1, estimated=True))]


async def test_a_stream_that_just_stops_is_no_answer():
    of = road([TextDelta("x" * 40)])
    answer, record = await opened(of)
    with pytest.raises(UpstreamTruncated):
        await events(answer)
    assert record.error == "upstream_truncated"
    assert record.finish == ""
    assert record.usage.completion_tokens == 10
    assert record.usage.estimated


async def test_three_truncations_bench_the_upstream():
    of = road([TextDelta("x")])
    for _ in range(3):
        assert not of.upstreams["a"].health.benched
        answer, _ = await opened(of)
        with pytest.raises(UpstreamTruncated):
            await events(answer)
    assert of.upstreams["a"].health.benched


async def test_a_limit_in_mid_answer_cools_the_token():
    of = road([TextDelta("x")], LIMITED)
    answer, _ = await opened(of)
    with pytest.raises(UpstreamError, match="Slow down"):
        await events(answer)
    assert of.upstreams["a"].pool.wait("m") == 30


async def test_silence_in_mid_answer():
    of = road([TextDelta("x")], SILENCE, idle_timeout=0.02)
    answer, record = await opened(of)
    with pytest.raises(UpstreamTimeout):
        await events(answer)
    assert (record.error, provider(of).closed) == ("upstream_timeout", 1)


async def test_the_deadline_in_mid_answer_is_not_held_against_the_upstream():
    of = road([TextDelta("x")], SILENCE, total_timeout=0.02)
    for _ in range(3):
        answer, record = await opened(of)
        with pytest.raises(UpstreamTimeout):
            await events(answer)
        assert record.error == "deadline_exceeded"
    assert not of.upstreams["a"].health.benched


async def test_a_bug_in_mid_answer_is_told_without_its_details():
    bug = KeyError("sk-canary")
    of = road([TextDelta("x")], bug)
    answer, record = await opened(of)
    with pytest.raises(ProviderFailure) as caught:
        await events(answer)
    assert (caught.value.status, caught.value.code) == (502, "provider_error")
    assert caught.value.message == "The provider could not make sense of this exchange (KeyError)."
    assert record.cause is bug


async def test_who_leaves_early_closes_the_stream_and_blames_nobody():
    of = road([TextDelta("x" * 40)], SILENCE)
    answer, record = await opened(of)
    async for _ in answer:
        break
    await answer.aclose()
    assert provider(of).closed == 1
    assert of.upstreams["a"].pool.states() == []
    assert (record.error, record.usage.completion_tokens) == ("", 10)


async def test_who_leaves_before_reading_closes_the_stream_too():
    of = road([TextDelta("x")], SILENCE)
    answer, _ = await opened(of)
    await answer.aclose()
    await answer.aclose()
    assert provider(of).closed == 1


async def test_a_cancelled_reader_closes_the_stream():
    of = road([TextDelta("x")], SILENCE)
    answer, _ = await opened(of)
    reading = asyncio.create_task(events(answer))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
    assert provider(of).closed == 1


async def test_a_token_is_proven_by_its_first_event_and_blocks_nobody_for_a_whole_answer():
    of = road([TextDelta("x")], SILENCE)
    upstream = of.upstreams["a"]
    await upstream.load_tokens()
    upstream.pool.take("m").failed(LIMITED)
    of.clock.advance(30)
    answer, _ = await opened(of)
    upstream.pool.take("m").dropped()
    assert upstream.pool.states() == []
    await answer.aclose()


class Clinging(Scripted):
    """Does something when its stream is closed."""

    def __init__(self, last_act) -> None:
        super().__init__([[TextDelta("x")], SILENCE])
        self.last_act = last_act

    async def stream(self, request, token):
        try:
            async for batch in super().stream(request, token):
                yield batch
        finally:
            await self.last_act()


async def complain() -> None:
    raise RuntimeError("not now")


async def linger() -> None:
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("last_act", [complain, linger])
async def test_what_a_provider_does_when_it_is_closed_holds_nobody_up(last_act, monkeypatch):
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.01)
    of = Road({"a": Clinging(last_act)})
    answer, _ = await opened(of)
    async for _ in answer:
        break
    await answer.aclose()


async def test_reasoning_and_calls_are_meaningful_events():
    for event in (ReasoningDelta("hm"), ToolCallStart("c", "f")):
        answer, _ = await opened(road([event], [Finish("tool_calls")]))
        assert (await events(answer))[0] == event
