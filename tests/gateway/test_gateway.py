"""The road: which upstream and which token are tried, in what order, how often, and what is said in the end."""

import asyncio
import gc
import weakref
from dataclasses import replace

import pytest

from core.chat.errors import (
    Blame,
    ChatError,
    InvalidKey,
    InvalidRequest,
    Retry,
    Unavailable,
    UnknownModel,
    UpstreamError,
    UpstreamTimeout,
    UpstreamTruncated,
    UpstreamUnreachable,
)
from core.chat.events import Finish, Notice, TextDelta
from core.chat.ports import Capabilities
from core.chat.requests import ChatRequest, FunctionTool, Image, Message, OtherPart
from core.chat.settings import GatewaySettings
from core.gateway.answer import Answer
from core.gateway.record import Record
from tests.support.road import ASKED, GOOD, SILENCE, Road, Scripted

SERVER = UpstreamError("It broke.", code="upstream_http_500")
CALLERS = UpstreamError("Too long.", status=400, code="context_length_exceeded", retry=Retry.NEVER)
REFUSED = UpstreamError(
    "Bad key.", status=503, code="upstream_credentials_unavailable", blame=Blame.DISABLE, retry=Retry.OTHER_TOKEN
)
BROKE = UpstreamError(
    "No funds.", status=503, code="upstream_credentials_unavailable", blame=Blame.QUOTA, retry=Retry.OTHER_TOKEN
)
ELSEWHERE = UpstreamError("Not here.", code="upstream_misconfigured", retry=Retry.OTHER_ROUTE)
CHALLENGE = UpstreamError("anti-bot page", code="upstream_challenge", retry=Retry.OTHER_ROUTE, bench=600.0)
ALIAS = {"both": ["a/m", "b/m"]}


def limited(after: float | None = None) -> UpstreamError:
    return UpstreamError(
        "Slow down.",
        status=429,
        code="rate_limited",
        blame=Blame.COOL,
        retry=Retry.OTHER_TOKEN,
        retry_after=after,
    )


async def ask(road: Road, request: ChatRequest = ASKED, record: Record | None = None, **options) -> str:
    """The text of the answer."""
    return await text_of(await road.gateway.open(request, record or Record(), **options))


async def text_of(answer: Answer) -> str:
    return "".join([event.text async for batch in answer for event in batch if isinstance(event, TextDelta)])


async def fails(road: Road, request: ChatRequest = ASKED, record: Record | None = None, **options) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await ask(road, request, record, **options)
    return caught.value


@pytest.fixture
def both() -> ChatRequest:
    return replace(ASKED, model="both")


# The record, the key, the model


async def test_what_the_log_will_say():
    road = Road({"a": Scripted()}, tokens={"a": "one"}, models={"a": {"m": "vendor/m-1"}})
    record = Record()
    assert await ask(road, record=record) == "Hello!"
    assert (record.model, record.provider, record.upstream_model) == ("m", "a", "vendor/m-1")
    assert (record.token, record.attempts, record.error, record.finish) == ("a-1", 1, "", "stop")
    assert record.first_event is not None
    assert road.upstreams["a"].provider.asked[0][0].model == "vendor/m-1"


async def test_the_key_is_asked_for():
    road = Road({"a": Scripted()})
    assert (await road.gateway.authorize("a-key")).label == "key-1"
    with pytest.raises(InvalidKey):
        await road.gateway.authorize("another")


async def test_a_model_that_nobody_has():
    error = await fails(Road({"a": Scripted()}), replace(ASKED, model="x" * 1000))
    assert isinstance(error, UnknownModel)
    assert len(error.message) < 400


async def test_secrets_are_taken_out_of_what_is_said():
    road = Road({"a": Scripted()}, tokens={"a": "plain-looking"})
    await ask(road)
    assert road.gateway.redact("key plain-looking at https://internal/x") == "key [redacted] at [redacted]"


# The commit point


async def test_an_answer_begins_with_its_first_meaningful_event():
    road = Road({"a": Scripted([[Notice("seed")], SERVER], GOOD)})
    assert await ask(road) == "Hello!"


async def test_after_the_first_event_nothing_is_tried_again():
    road = Road({"a": Scripted([[TextDelta("Hel")], SERVER]), "b": Scripted()}, aliases=ALIAS)
    record = Record()
    answer = await road.gateway.open(replace(ASKED, model="both"), record)
    with pytest.raises(UpstreamError, match="It broke"):
        [batch async for batch in answer]
    assert (record.attempts, road.upstreams["b"].provider.asked) == (1, [])


@pytest.mark.parametrize("script", [[], [[Finish("stop")]], [[Notice("seed"), Finish("stop")]]])
async def test_nothing_is_never_an_answer(script):
    provider = Scripted(script)
    error = await fails(Road({"a": provider}))
    assert (error.status, error.code) == (502, "upstream_empty")
    assert len(provider.asked) == 2


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_answer_may_be_stopped_before_it_began(reason):
    assert await ask(Road({"a": Scripted([[Finish(reason)]])})) == ""


async def test_notices_do_not_buy_time():
    settings = GatewaySettings(first_event_timeout=0.05)

    class Dawdling(Scripted):
        async def stream(self, request, token):
            while True:
                await asyncio.sleep(0.02)
                yield [Notice("seed")]

    error = await fails(Road({"a": Dawdling()}, settings=settings))
    assert isinstance(error, UpstreamTimeout)


# Trying again


async def test_a_server_error_is_tried_once_more_on_the_same_route():
    provider = Scripted([SERVER], GOOD)
    record = Record()
    assert await ask(Road({"a": provider}), record=record) == "Hello!"
    assert record.attempts == 2


async def test_a_persistent_server_error_goes_to_the_next_route(both):
    record = Record()
    road = Road({"a": Scripted([SERVER]), "b": Scripted()}, aliases=ALIAS)
    assert await ask(road, both, record) == "Hello!"
    assert (record.attempts, record.provider) == (3, "b")


async def test_three_attempts_are_the_most_there_are():
    names = "abcde"
    road = Road({name: Scripted([SERVER]) for name in names}, aliases={"all": [f"{name}/m" for name in names]})
    record = Record()
    error = await fails(road, replace(ASKED, model="all"), record)
    assert (error.code, record.attempts, record.error) == ("upstream_http_500", 3, "upstream_http_500")
    assert [len(road.upstreams[name].provider.asked) for name in names] == [2, 1, 0, 0, 0]


@pytest.mark.parametrize("failure", [SERVER, limited(after=60.0), REFUSED])
async def test_three_attempts_with_many_tokens(failure):
    provider = Scripted([failure])
    await fails(Road({"a": provider}, tokens={"a": "t1,t2,t3,t4,t5"}))
    assert len(provider.asked) == (2 if failure is SERVER else 3)


async def test_what_the_caller_did_wrong_is_never_tried_again(both):
    road = Road({"a": Scripted([CALLERS]), "b": Scripted()}, tokens={"a": "t1,t2"}, aliases=ALIAS)
    error = await fails(road, both)
    assert (error.status, error.code) == (400, "context_length_exceeded")
    assert len(road.upstreams["a"].provider.asked) == 1
    assert road.upstreams["b"].provider.asked == []
    assert road.upstreams["a"].pool.states() == []


async def test_a_silent_route_is_not_tried_again_but_the_next_one_is(both):
    settings = GatewaySettings(first_event_timeout=0.02)
    road = Road({"a": Scripted([SILENCE]), "b": Scripted()}, tokens={"a": "t1,t2"}, aliases=ALIAS, settings=settings)
    assert await ask(road, both) == "Hello!"
    assert len(road.upstreams["a"].provider.asked) == 1
    error = await fails(road, replace(ASKED, model="a/m"))
    assert (error.status, error.code) == (504, "upstream_timeout")
    assert len(road.upstreams["a"].provider.asked) == 2
    assert road.upstreams["a"].provider.closed == 2


async def test_a_provider_may_ask_for_more_patience():
    provider = Scripted([SILENCE])
    provider.first_event_timeout = 0.01
    error = await fails(Road({"a": provider}))
    assert error.code == "upstream_timeout"


async def test_some_failures_are_only_for_another_route(both):
    road = Road({"a": Scripted([ELSEWHERE]), "b": Scripted()}, aliases=ALIAS)
    assert await ask(road, both) == "Hello!"
    assert len(road.upstreams["a"].provider.asked) == 1


async def test_the_last_route_tells_why(both):
    road = Road({"a": Scripted([SERVER]), "b": Scripted([ELSEWHERE])}, aliases=ALIAS)
    assert (await fails(road, both)).code == "upstream_misconfigured"


async def test_a_provider_may_find_that_it_cannot_take_a_request(both):
    """An honest no of one provider is no reason not to ask the next; if it was the last, it is the answer."""
    no = InvalidRequest("Only data URLs.", param="messages[0]")
    road = Road({"a": Scripted([no]), "b": Scripted()}, aliases=ALIAS)
    assert await ask(road, both) == "Hello!"
    assert (await fails(road, replace(ASKED, model="a/m"))).status == 400


async def test_no_attempt_is_left_for_a_route_after_the_third():
    """The third attempt may end with an error that is no upstream's."""
    road = Road({"a": Scripted([SERVER]), "b": Scripted([Unavailable("no device")]), "c": Scripted()})
    road = Road(
        {name: upstream.provider for name, upstream in road.upstreams.items()}, aliases={"all": ["a/m", "b/m", "c/m"]}
    )
    error = await fails(road, replace(ASKED, model="all"))
    assert error.code == "upstream_http_500"
    assert road.upstreams["c"].provider.asked == []


async def test_a_benched_upstream_goes_last(both):
    road = Road({"a": Scripted([SERVER]), "b": Scripted()}, aliases=ALIAS)
    for _ in range(2):
        await ask(road, both)
    assert road.upstreams["a"].health.benched
    record = Record()
    await ask(road, both, record)
    assert (record.provider, record.attempts) == ("b", 1)
    road.clock.advance(60)
    await ask(road, both, again := Record())
    assert again.attempts == 3


async def test_a_challenged_upstream_is_not_even_asked(both):
    road = Road({"a": Scripted([CHALLENGE], GOOD), "b": Scripted()}, aliases=ALIAS)
    assert await ask(road, both) == "Hello!"
    error = await fails(road, replace(ASKED, model="a/m"))
    assert (error.status, error.code, error.retry_after) == (502, "upstream_challenge", 600)
    assert len(road.upstreams["a"].provider.asked) == 1
    road.clock.advance(600)
    assert await ask(road, replace(ASKED, model="a/m")) == "Hello!"


async def test_a_model_that_is_denied_is_forgotten():
    gone = UpstreamError("gone", status=404, code="model_not_found", retry=Retry.OTHER_ROUTE)
    road = Road({"a": Scripted([gone], models=["m"])}, models={"a": "discover"})
    await fails(road)
    assert list(road.upstreams["a"].models) == []


async def test_a_bug_in_a_provider_is_an_upstream_failure():
    record = Record()
    bug = TypeError("sk-canary")
    error = await fails(Road({"a": Scripted([bug])}), record=record)
    assert (error.status, error.code) == (502, "provider_error")
    assert record.cause is bug


class Eager(Scripted):
    """Raises when it is called, before there is anything to read; else answers without being a generator."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    def stream(self, request, token):
        if self.failures:
            raise self.failures.pop(0)
        return super().stream(request, token)


async def test_a_stream_that_is_no_generator_is_treated_alike():
    road = Road({"a": Eager(SERVER)})
    assert await ask(road) == "Hello!"
    assert (await fails(Road({"a": Eager(InvalidRequest("no"))}))).status == 400
    assert (await fails(Road({"a": Eager(TypeError(), TypeError())}))).code == "provider_error"


async def test_a_second_attempt_does_not_carry_the_first_one_along():
    """What a failed attempt had read may be megabytes."""

    class Read:
        pass

    class Failing(Scripted):
        async def stream(self, request, token):
            gc.collect()
            alive.append([each for each in before if each() is not None])
            read = Read()
            before.append(weakref.ref(read))
            yield [Notice("seed")]
            raise SERVER

    before: list[weakref.ref[Read]] = []
    alive: list[list[weakref.ref[Read]]] = []
    await fails(Road({"a": Failing()}))
    assert alive == [[], []]


# Tokens


async def test_another_token_takes_over_at_once():
    provider = Scripted([limited(after=30.0)], GOOD)
    road = Road({"a": provider}, tokens={"a": "t1,t2"})
    assert await ask(road) == "Hello!"
    assert sorted(provider.secrets) == ["t1", "t2"]
    assert [token.secret for token, _, _ in road.upstreams["a"].pool.states()] == [provider.secrets[0]]


async def test_a_token_without_blame_is_not_tried_twice():
    mine = UpstreamError("Not on your plan.", status=403, retry=Retry.OTHER_TOKEN)
    provider = Scripted([mine])
    error = await fails(Road({"a": provider}, tokens={"a": "t1,t2"}))
    assert error.status == 403
    assert sorted(provider.secrets) == ["t1", "t2"]


@pytest.fixture
def naps(monkeypatch) -> list[float]:
    """Every pause that is made; it takes no time, but the road's clock moves on."""
    taken: list[float] = []
    pause = asyncio.sleep

    async def sleep(seconds: float) -> None:
        taken.append(seconds)
        for road in roads:
            road.clock.advance(seconds)
        await pause(0)

    roads: list[Road] = []
    monkeypatch.setattr(asyncio, "sleep", sleep)
    taken_of = Road.__init__

    def remember(road: Road, *args, **options) -> None:
        taken_of(road, *args, **options)
        roads.append(road)

    monkeypatch.setattr(Road, "__init__", remember)
    return taken


async def test_the_only_token_is_waited_for_when_that_is_short(naps):
    provider = Scripted([limited(after=2.0)], GOOD)
    assert await ask(Road({"a": provider}, tokens={"a": "t1"})) == "Hello!"
    assert [nap for nap in naps if nap] == [pytest.approx(2.0, abs=0.02)]


@pytest.mark.parametrize(("after", "naps_wanted"), [(5.0, 1), (5.1, 0)])
async def test_five_seconds_are_the_longest_wait(naps, after, naps_wanted):
    provider = Scripted([limited(after)])
    error = await fails(Road({"a": provider}, tokens={"a": "t1"}))
    assert error.status == 429
    assert error.retry_after == pytest.approx(after)
    assert len([nap for nap in naps if nap]) == naps_wanted * 2
    assert len(provider.asked) == 1 + naps_wanted * 2


async def test_no_wait_goes_beyond_the_deadline(naps):
    error = await fails(Road({"a": Scripted([limited(after=2.0)])}), remaining=3.0)
    assert (error.status, [nap for nap in naps if nap]) == (429, [])


async def test_nobody_waits_while_there_is_another_route(naps, both):
    road = Road({"a": Scripted([limited(after=1.0)]), "b": Scripted()}, aliases=ALIAS)
    assert await ask(road, both) == "Hello!"
    assert [nap for nap in naps if nap] == []


async def test_all_tokens_resting_is_a_429_with_the_shortest_wait():
    provider = Scripted([limited(after=60.0)], [limited(after=40.0)])
    road = Road({"a": provider}, tokens={"a": "t1,t2"})
    first = await fails(road)
    assert (first.status, first.code, first.retry_after) == (429, "rate_limited", 40)
    road.clock.advance(10)
    second = await fails(road)
    assert (second.status, second.retry_after) == (429, 30)
    assert len(provider.asked) == 2, "a resting token is not used"


async def test_all_tokens_refused_is_a_503():
    provider = Scripted([REFUSED])
    road = Road({"a": provider}, tokens={"a": "t1,t2"})
    for _ in range(2):
        error = await fails(road)
        assert (error.status, error.code) == (503, "upstream_credentials_unavailable")
    assert len(provider.asked) == 2


async def test_an_empty_account_says_when_it_is_tried_again():
    road = Road({"a": Scripted([BROKE])}, tokens={"a": "t1"})
    first = await fails(road)
    assert (first.status, first.retry_after) == (503, 3600)
    second = await fails(road)
    assert (second.status, second.retry_after) == (429, 3600)


async def test_two_who_wait_for_the_same_token_do_not_both_get_it(naps):
    """The second is told to come back, since the first one's probe is under way."""
    provider = Scripted([limited(after=2.0)], [SILENCE])
    road = Road({"a": provider}, tokens={"a": "t1"})
    first = asyncio.create_task(ask(road))
    await provider.begun(2)
    error = await fails(road)
    assert (error.status, error.retry_after) == (429, 1)
    first.cancel()
    await asyncio.wait([first])
    provider.scripts = [list(GOOD)]
    assert await ask(road) == "Hello!"


async def test_a_refused_token_that_was_rotated_is_replaced_at_once():
    provider = Scripted([REFUSED], GOOD)
    road = Road({"a": provider}, tokens={"a": "old"})
    await road.secrets.values()
    road.store.values["a-tokens"] = "new"
    road.clock.advance(1)
    assert await ask(road) == "Hello!"
    assert provider.secrets == ["old", "new"]
    assert road.upstreams["a"].pool.states() == []


async def test_other_failures_do_not_trouble_the_secret_store():
    road = Road({"a": Scripted([limited(after=60.0)], [BROKE], GOOD)}, tokens={"a": "t1,t2,t3"})
    await road.secrets.values()
    road.clock.advance(1)
    await ask(road)
    assert road.store.fetches == 1


async def test_a_refused_token_is_looked_up_again_only_once_for_each_request():
    road = Road({"a": Scripted([REFUSED])}, tokens={"a": "t1,t2,t3"})
    await road.secrets.values()
    for _ in range(3):
        road.clock.advance(1)
        await fails(road)
    assert road.store.fetches <= 4


async def test_requests_under_way_while_a_secret_rotates_are_left_alone():
    gate = asyncio.Event()

    class Slow(Scripted):
        async def stream(self, request, token):
            self.asked.append((request, token))
            yield [TextDelta(f"with {token.secret}")]
            await gate.wait()
            yield [Finish("stop")]

    road = Road({"a": Slow()}, tokens={"a": "old"})
    answer = await road.gateway.open(ASKED, Record())
    road.store.values["a-tokens"] = "new"
    road.clock.advance(61)
    second = await road.gateway.open(ASKED, Record())
    gate.set()
    assert [await text_of(one) for one in (answer, second)] == ["with old", "with new"]


# Time


async def test_time_on_the_platform_counts_less_what_saying_goodbye_takes():
    error = await fails(Road({"a": Scripted([SILENCE])}), remaining=2.02)
    assert (error.status, error.code) == (504, "deadline_exceeded")


async def test_no_time_left_is_a_504_before_the_upstream_has_said_anything():
    error = await fails(Road({"a": Scripted([SILENCE])}), remaining=1.0)
    assert (error.status, error.code) == (504, "deadline_exceeded")


async def test_a_caller_who_hangs_up_early_leaves_nothing_behind():
    provider = Scripted([SILENCE])
    road = Road({"a": provider}, tokens={"a": "t1"})
    asking = asyncio.create_task(ask(road))
    await provider.begun()
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    assert provider.closed == 1
    assert road.upstreams["a"].pool.states() == []
    assert not road.upstreams["a"].health.benched


# What a request needs

PICTURE = Message("user", (Image("https://example.com/a.png"),))
SOUND = Message("user", (OtherPart("input_audio", {}),))


@pytest.mark.parametrize(
    ("request_", "param", "code"),
    [
        (replace(ASKED, tools=(FunctionTool("f"),)), "tools", "unsupported_parameter"),
        (replace(ASKED, parameters={"logprobs": True}), "logprobs", "unsupported_parameter"),
        (replace(ASKED, parameters={"modalities": ["text", "audio"]}), "modalities", "unsupported_parameter"),
        (replace(ASKED, messages=(PICTURE,)), "messages", "unsupported_content"),
        (replace(ASKED, messages=(SOUND,)), "messages", "unsupported_content"),
    ],
)
async def test_what_no_upstream_can_carry_is_refused_before_any_is_troubled(request_, param, code):
    plain = Scripted()
    plain.capabilities = Capabilities()
    error = await fails(Road({"a": plain}, emulate_tools=False), request_)
    assert (error.status, error.param, error.code) == (400, param, code)
    assert plain.asked == []


@pytest.mark.parametrize(
    "request_",
    [
        replace(ASKED, tools=(FunctionTool("f"),), tool_choice="none"),
        replace(ASKED, parameters={"logprobs": False}),
        replace(ASKED, parameters={"modalities": ["text"]}),
        replace(ASKED, parameters={"modalities": 5}),
        replace(ASKED, parameters={"modalities": None}),
    ],
)
async def test_what_asks_for_nothing_special_passes(request_):
    plain = Scripted()
    plain.capabilities = Capabilities()
    assert await ask(Road({"a": plain}), request_) == "Hello!"


async def test_a_route_that_cannot_carry_the_request_is_passed_over(both):
    plain = Scripted()
    plain.capabilities = Capabilities()
    road = Road({"a": plain, "b": Scripted()}, aliases=ALIAS)
    record = Record()
    await ask(road, replace(both, messages=(PICTURE,)), record)
    assert (record.provider, plain.asked) == ("b", [])


@pytest.mark.parametrize("error", [UpstreamUnreachable("gone"), UpstreamTruncated(), SERVER])
async def test_failures_of_the_network_are_the_upstreams_and_no_tokens(error):
    road = Road({"a": Scripted([error])}, tokens={"a": "t1"})
    for _ in range(2):
        await fails(road)
    assert road.upstreams["a"].health.benched
    assert road.upstreams["a"].pool.states() == []
