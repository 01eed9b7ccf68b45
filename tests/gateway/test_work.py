"""What is no chat takes the same road: routes by what a provider can, tokens in turn, honest failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from core.chat.errors import (
    Blame,
    ChatError,
    InvalidRequest,
    Retry,
    UpstreamError,
    UpstreamTimeout,
    UpstreamTruncated,
)
from core.chat.media import EmbeddingRequest, Embeddings, Media, SpeechRequest
from core.chat.ports import EmbeddingProvider, SpeechProvider, Token
from core.chat.settings import GatewaySettings
from core.gateway.record import Record
from core.gateway.tickets import Ticket
from tests.support.road import SILENCE, Road, Scripted

FLAKY = UpstreamError("It broke.", code="upstream_http_500")
ALIAS = {"both": ["a/m", "b/m"]}


def limited() -> UpstreamError:
    return UpstreamError("Slow.", status=429, code="rate_limited", blame=Blame.COOL, retry=Retry.OTHER_TOKEN)


class Able(Scripted):
    """A provider that can embed and speak too; each script is what one request meets with."""

    def __init__(self, *scripts: list[object]) -> None:
        super().__init__()
        self.scripts = [list(script) for script in scripts]
        self.tokens: list[str] = []
        self.open = 0
        self.entered = asyncio.Event()

    async def embed(self, request: EmbeddingRequest, token: Token) -> Embeddings:
        async with self.speak(SpeechRequest(request.model, "", ""), token) as media:
            return Embeddings(tuple([float(len(chunk))] for chunk in [chunk async for chunk in media.chunks]))

    @asynccontextmanager
    async def speak(self, request: SpeechRequest, token: Token) -> AsyncIterator[Media]:
        self.tokens.append(token.secret)
        self.open += 1
        self.entered.set()
        try:
            acts = iter(self.scripts.pop(0))
            first = next(acts)
            if isinstance(first, Exception):
                raise first
            yield Media("audio/mpeg", self._chunks(first, acts), ignored=("speed",))
        finally:
            self.open -= 1

    async def _chunks(self, *acts) -> AsyncIterator[bytes]:
        for act in (acts[0], *acts[1]):
            if act is SILENCE:
                await asyncio.get_running_loop().create_future()
            if isinstance(act, Exception):
                raise act
            yield act


async def embed(road: Road, model: str = "m", record: Record | None = None, **options) -> Embeddings:
    return await road.gateway.call(
        EmbeddingProvider,
        model,
        lambda provider, upstream_model, token: provider.embed(EmbeddingRequest(upstream_model, ("hi",)), token),
        record or Record(),
        **options,
    )


def speak(provider: SpeechProvider, model: str, token: Token) -> AbstractAsyncContextManager[Media]:
    return provider.speak(SpeechRequest(model, "hi", "alloy"), token)


async def listen(road: Road, record: Record | None = None, **options) -> bytes:
    async with road.gateway.hold(SpeechProvider, "m", speak, record or Record(), **options) as media:
        return b"".join([chunk async for chunk in media.chunks])


async def test_what_else_is_told_of_media_is_passed_on():
    road = Road({"a": Able([b"abc"])})
    async with road.gateway.hold(SpeechProvider, "m", speak, Record()) as media:
        assert (media.media_type, media.ignored) == ("audio/mpeg", ("speed",))


async def failing(work) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await work
    return caught.value


async def test_the_result_and_what_the_log_will_say():
    road = Road({"a": Able([b"abc"])}, tokens={"a": "one"}, models={"a": {"m": "vendor/m-1"}})
    record = Record()
    assert (await embed(road, record=record)).vectors == ([3.0],)
    assert (record.model, record.provider, record.upstream_model, record.token) == ("m", "a", "vendor/m-1", "a-1")
    assert record.attempts == 1
    assert record.first_event is not None


async def test_only_a_provider_that_can_is_asked():
    able = Able([b"abc"])
    road = Road({"a": Scripted(), "b": able}, aliases=ALIAS)
    assert (await embed(road, "both")).vectors == ([3.0],)
    failure = await failing(embed(Road({"a": Scripted()})))
    assert (failure.status, failure.code, failure.param) == (400, "unsupported_model", "model")


async def test_a_limited_token_gives_way_to_the_next():
    able = Able([limited()], [b"abc"])
    road = Road({"a": able}, tokens={"a": "one,two"})
    assert (await embed(road)).vectors == ([3.0],)
    assert sorted(able.tokens) == ["one", "two"]


async def test_a_flaky_upstream_is_asked_again_unless_that_could_cost_twice():
    able = Able([FLAKY], [b"abc"])
    assert (await embed(Road({"a": able}))).vectors == ([3.0],)
    for failure in (
        UpstreamError("It broke."),
        UpstreamTruncated(),
        UpstreamTimeout("Too slow."),
    ):
        able = Able([failure], [b"abc"])
        assert await failing(embed(Road({"a": able, "b": able}, aliases=ALIAS), "both", once=True)) is failure
        assert len(able.tokens) == 1
    able = Able([limited()], [b"abc"])
    assert (await embed(Road({"a": able}, tokens={"a": "one,two"}), once=True)).vectors == ([3.0],)


async def test_a_callers_fault_says_nothing_against_the_token():
    able = Able([InvalidRequest("No.", param="input")], [b"abc"])
    road = Road({"a": able}, tokens={"a": "one"})
    assert (await failing(embed(road))).param == "input"
    assert (await embed(road)).vectors == ([3.0],)


async def test_a_callers_fault_says_nothing_for_the_token_either():
    """A token that was refused is tried again one day; a request that went nowhere is no such trial."""
    able = Able([limited()], [InvalidRequest("No.", param="input")], [limited()])
    road = Road({"a": able}, tokens={"a": "one"})
    await failing(embed(road))
    [(token, _, rest)] = road.upstreams["a"].pool.states()
    road.clock.advance(1000.0)
    assert (await failing(embed(road))).param == "input"
    assert road.upstreams["a"].pool.states() == [(token, "m", rest)]
    assert not rest.probing


async def test_a_providers_bug_is_an_upstream_failure_whose_cause_only_the_log_gets():
    bug, record = ValueError("secret detail"), Record()
    failure = await failing(embed(Road({"a": Able([bug], [bug])}), record=record))
    assert (failure.status, failure.code) == (502, "provider_error")
    assert "secret" not in failure.message
    assert record.cause is bug


async def test_the_deadline_ends_a_wait():
    road = Road({"a": Able([SILENCE])}, settings=GatewaySettings(total_timeout=0.05))
    failure = await failing(embed(road))
    assert (failure.status, failure.code) == (504, "deadline_exceeded")


async def test_a_ticket_leads_to_its_provider_and_token_only():
    able, other = Able([b"abc"], [limited()]), Able([b"x"])
    road = Road({"a": other, "b": able}, tokens={"b": "one,two,three"}, aliases=ALIAS)
    ticket = Ticket("b", "b-2", "m", "job-1", {})
    assert (await embed(road, "both", ticket=ticket)).vectors == ([3.0],)
    assert (await failing(embed(road, "both", ticket=ticket))).code == "rate_limited"
    assert able.tokens == ["two", "two"]
    assert other.tokens == []
    gone = await failing(embed(road, "both", ticket=ticket._replace(provider="gone")))
    assert (gone.status, gone.code) == (404, "job_not_found")


async def test_where_a_jobs_own_token_is_out_the_rest_of_another_is_no_hope():
    refused = UpstreamError("No.", status=503, blame=Blame.DISABLE, retry=Retry.OTHER_TOKEN)
    able = Able([limited()], [refused], [b"never"])
    road = Road({"a": able}, tokens={"a": "one,two"})
    for label in ("a-1", "a-2", "a-2"):
        ticket = Ticket("a", label, "m", "job-1", {})
        failure = await failing(embed(road, ticket=ticket))
    assert (failure.code, failure.retry_after) == ("upstream_credentials_unavailable", None)
    assert able.tokens == ["one", "two"]


async def test_sound_is_read_as_it_arrives_and_then_closed():
    able = Able([b"ab", b"c"])
    assert await listen(Road({"a": able})) == b"abc"
    assert able.open == 0


async def test_a_failure_before_the_sound_may_be_tried_again_and_one_within_it_may_not():
    able = Able([FLAKY], [b"ab", UpstreamTruncated()], [b"never"])
    road, record = Road({"a": able}), Record()
    assert isinstance(await failing(listen(road, record)), UpstreamTruncated)
    assert record.error == "upstream_truncated"
    assert (len(able.tokens), able.open) == (2, 0)


async def test_an_upstream_whose_sound_always_breaks_is_left_alone_for_a_while():
    able = Able(*[[b"ab", UpstreamTruncated()]] * 3, [b"abc"])
    road = Road({"a": able})
    for _ in range(3):
        await failing(listen(road))
    assert road.upstreams["a"].health.benched
    await listen(road)
    assert not road.upstreams["a"].health.benched


async def test_sound_that_stalls_ends_with_a_failure():
    able = Able([b"ab", SILENCE])
    failure = await failing(listen(Road({"a": able}, settings=GatewaySettings(idle_timeout=0.05))))
    assert (failure.status, able.open) == (504, 0)


async def test_a_reader_who_leaves_closes_what_was_open():
    able = Able([b"ab", SILENCE])
    road = Road({"a": able}, tokens={"a": "one"})
    hearing = asyncio.create_task(listen(road))
    await able.entered.wait()
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    assert able.open == 0
