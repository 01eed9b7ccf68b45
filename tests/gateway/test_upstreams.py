"""What the gateway keeps about an upstream: its health, its tokens, its models."""

import asyncio
import gc
import logging
import weakref

import pytest

from core.chat.errors import Blame, ChatError, Unavailable, UpstreamError, UpstreamTimeout, UpstreamTruncated
from core.chat.settings import ProviderSettings
from core.gateway import upstreams as module
from core.gateway.secrets import Secrets
from core.gateway.tokens import LONG_PROBE
from core.gateway.upstreams import DISCOVERY_RETRY, LONGEST_BENCH, Health, Upstream
from tests.support.road import Clock, Scripted, Store

REFUSAL = UpstreamError("no", blame=Blame.DISABLE)
DOWN = UpstreamError("down", status=502, code="upstream_http_500")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock) -> Health:
    return Health(clock)


def fail(health: Health, times: int, error: UpstreamError = DOWN) -> None:
    for _ in range(times):
        health.failed(error)


# Health


def test_two_failures_prove_nothing_and_three_do(health):
    fail(health, 2)
    assert not health.benched
    fail(health, 1)
    assert health.benched
    assert health.verdict is None, "others go first, but it may still be asked"


def test_a_success_in_between_starts_the_count_again(health):
    fail(health, 2)
    health.succeeded()
    fail(health, 2)
    assert not health.benched


@pytest.mark.parametrize("error", [UpstreamTimeout("late"), UpstreamTruncated(), UpstreamError("x", status=503)])
def test_timeouts_truncations_and_overload_count(health, error):
    fail(health, 3, error)
    assert health.benched


@pytest.mark.parametrize(
    "error",
    [
        UpstreamError("slow down", status=429),
        UpstreamError("your mistake", status=400),
        UpstreamError("no such model", status=404),
        UpstreamError("bad key", status=503, code="upstream_credentials_unavailable"),
        UpstreamTimeout("our own limit", code="deadline_exceeded"),
    ],
)
def test_what_is_not_the_upstreams_fault_does_not_count(health, error):
    fail(health, 10, error)
    assert not health.benched


def test_benches_grow_to_a_minute(health, clock):
    fail(health, 2)
    lengths = []
    for _ in range(7):
        fail(health, 1)
        began = clock()
        while health.benched:
            clock.advance(1)
        lengths.append(clock() - began)
    assert lengths == [5, 10, 20, 40, 60, 60, 60]


def test_a_thousand_failures_can_be_counted(health, clock):
    fail(health, 2000)
    clock.advance(LONGEST_BENCH)
    assert not health.benched


def test_one_failure_may_be_proof_enough(health, clock):
    health.failed(UpstreamError("anti-bot page", code="upstream_challenge", bench=600.0))
    clock.advance(599)
    assert health.verdict is not None
    assert (health.verdict.code, health.verdict.retry_after) == ("upstream_challenge", 1)
    clock.advance(1)
    assert health.verdict is None
    assert not health.benched


def test_a_verdict_stands_against_what_began_before_it(health, clock):
    health.failed(UpstreamError("anti-bot page", bench=600.0))
    fail(health, 5)
    health.succeeded()
    clock.advance(300)
    assert health.verdict is not None


def test_a_verdict_keeps_no_request_in_memory(health):
    class Body:
        pass

    def call(body: Body) -> None:
        raise UpstreamError("anti-bot page", bench=600.0)

    body = Body()
    kept = weakref.ref(body)
    try:
        call(body)
    except UpstreamError as error:
        health.failed(error)
    del body
    for _ in range(3):
        with pytest.raises(UpstreamError) as caught:
            raise health.verdict
        assert len(caught.traceback) == 1
    del caught
    gc.collect()
    assert kept() is None


# Tokens


def upstream(provider: Scripted, clock: Clock, store: Store, models="discover", tokens="secret://T", table=None):
    table = {"headers": {"x-device": "secret://DEVICE"}} if table is None else table
    settings = ProviderSettings("x", "scripted", tokens, models, table)
    secrets = Secrets(store, ["T", "DEVICE"], ttl=60.0, clock=clock)
    return Upstream(settings, provider, secrets, models_ttl=600.0, clock=clock, jitter=lambda: 0.0)


async def test_tokens_come_with_their_labels_and_the_other_secrets(clock):
    one = upstream(Scripted(), clock, Store({"T": "a,b", "DEVICE": "d"}))
    await one.load_tokens()
    tokens = [one.pool.take("m").token for _ in range(2)]
    assert [(token.label, token.secret, token.others) for token in tokens] == [
        ("x-1", "a", {"DEVICE": "d"}),
        ("x-2", "b", {"DEVICE": "d"}),
    ]


async def test_a_token_that_is_not_set_is_said_by_its_name(clock):
    one = upstream(Scripted(), clock, Store())
    for _ in range(2):
        with pytest.raises(Unavailable, match="T is not set"):
            await one.load_tokens()


async def test_no_tokens_wanted_is_one_that_is_empty(clock):
    one = upstream(Scripted(), clock, Store({"DEVICE": "d"}), tokens=None)
    await one.load_tokens()
    token = one.pool.take("m").token
    assert (token.label, token.secret, token.others) == ("anonymous", "", {"DEVICE": "d"})


async def test_a_rotation_is_taken_over_when_the_copy_is_renewed(clock):
    store = Store({"T": "old"})
    one = upstream(Scripted(), clock, store)
    await one.load_tokens()
    store.values["T"] = "new"
    await one.load_tokens()
    assert one.pool.take("m").token.secret == "old"
    clock.advance(60)
    await one.load_tokens()
    assert one.pool.take("m").token.secret == "new"


# Models


async def test_models_are_asked_for_once_and_again_when_they_are_old(clock):
    provider = Scripted(models=["a", "b"])
    one = upstream(provider, clock, Store({"T": "t"}))
    assert one.never_asked
    assert one.models is None
    await asyncio.gather(*[one.discover() for _ in range(5)])
    assert list(one.models) == ["a", "b"]
    assert [token.secret for token in provider.asked_for_models] == ["t"]
    clock.advance(599)
    assert not one.worth_asking
    clock.advance(1)
    provider.offers = ["c"]
    await one.discover()
    assert list(one.models) == ["c"]


class Hanging(Scripted):
    def __init__(self):
        super().__init__()
        self.asked_now = asyncio.Event()

    async def models(self, token):
        self.asked_now.set()
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("offers", [UpstreamError("down"), TypeError("a bug with sk-secret-in-it"), []])
async def test_a_list_that_fails_is_tried_again_soon_and_only_a_list(clock, offers, caplog):
    provider = Scripted(models=offers)
    one = upstream(provider, clock, Store({"T": "t"}))
    await one.discover()
    assert one.models is None
    assert not one.never_asked
    assert not one.worth_asking
    assert "sk-secret-in-it" not in caplog.text
    clock.advance(DISCOVERY_RETRY)
    provider.offers = ["a"]
    await one.discover()
    assert list(one.models) == ["a"]


async def test_a_failed_list_is_logged_by_its_code(clock, caplog):
    with caplog.at_level(logging.WARNING):
        await upstream(Scripted(models=UpstreamError("down")), clock, Store({"T": "t"})).discover()
        await upstream(Scripted(models=TypeError("down")), clock, Store({"T": "t"})).discover()
    assert caplog.messages == ["the models of x are unknown: upstream_error", "the models of x are unknown: TypeError"]


async def test_a_list_that_never_comes_is_given_up(clock, monkeypatch):
    monkeypatch.setattr(module, "DISCOVERY_TIMEOUT", 0.01)
    one = upstream(Hanging(), clock, Store({"T": "t"}))
    await one.discover()
    assert one.models is None
    assert not one.worth_asking


async def test_the_last_list_stays_when_the_next_one_fails(clock):
    provider = Scripted(models=["a"])
    one = upstream(provider, clock, Store({"T": "t"}))
    await one.discover()
    clock.advance(600)
    provider.offers = UpstreamError("down")
    await one.discover()
    assert list(one.models) == ["a"]
    assert not one.worth_asking


async def test_who_gives_up_waiting_leaves_the_list_to_the_next(clock):
    hanging = Hanging()
    one = upstream(hanging, clock, Store({"T": "t"}))
    waiting = asyncio.create_task(one.discover())
    await hanging.asked_now.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert one.never_asked
    one.provider = Scripted(models=["a"])
    await one.discover()
    assert list(one.models) == ["a"]


async def test_a_list_is_asked_for_with_a_token_that_works_and_holds_it_for_nobody(clock):
    provider = Scripted(models=["a"])
    one = upstream(provider, clock, Store({"T": "bad,good"}))
    await one.load_tokens()
    lease = one.pool.take("m")
    lease.failed(REFUSAL)
    await one.discover()
    assert [token.secret for token in provider.asked_for_models] == ["good"]


async def test_a_list_that_was_asked_for_as_a_probe_leaves_the_probe_to_others(clock):
    one = upstream(Scripted(models=["a"]), clock, Store({"T": "t"}))
    await one.load_tokens()
    one.pool.take("m").failed(REFUSAL)
    clock.advance(LONG_PROBE)
    await one.discover()
    assert list(one.models) == ["a"]
    assert one.pool.take("m").token.secret == "t"


async def test_a_refused_list_says_nothing_about_the_token(clock):
    provider = Scripted(models=REFUSAL)
    one = upstream(provider, clock, Store({"T": "t"}))
    await one.discover()
    assert one.pool.take("m").token.secret == "t"


async def test_a_model_that_was_denied_is_gone_until_it_is_listed_again(clock):
    provider = Scripted(models=["a", "b"])
    one = upstream(provider, clock, Store({"T": "t"}))
    await one.discover()
    one.forget("a")
    assert list(one.models) == ["b"]
    assert not one.worth_asking, "denials cost no list each"
    clock.advance(DISCOVERY_RETRY)
    await one.discover()
    assert list(one.models) == ["a", "b"]


async def test_a_model_that_was_never_listed_cannot_be_forgotten(clock):
    one = upstream(Scripted(models=["a"]), clock, Store({"T": "t"}))
    await one.discover()
    one.forget("zzz")
    clock.advance(DISCOVERY_RETRY)
    assert not one.worth_asking


async def test_a_fixed_list_is_not_asked_for(clock):
    provider = Scripted(models=["zzz"])
    one = upstream(provider, clock, Store({"T": "t"}), models={"fast": "vendor/fast-1", "claude-*": "claude-*"})
    await one.discover()
    assert provider.asked_for_models == []
    assert not one.never_asked
    assert {name: info.model for name, info in one.models.items()} == {"fast": "vendor/fast-1"}
    one.forget("fast")
    assert list(one.models) == ["fast"]


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("claude-*", ["claude-3", "claude-", "claude-a-b/c"], ["claude", "xclaude-3", ""]),
        ("*-mini", ["gpt-4o-mini", "-mini"], ["gpt-4o-mini-2", "mini"]),
        ("*", ["anything", "a/b"], []),
        ("a*b*c", ["abc", "a-b-c", "abbc", "axbxbxc"], ["ac", "acb", "ab", "abcx"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("gpt.4*", ["gpt.4o"], ["gptx4o"]),
        ("vendor/*", ["vendor/a", "vendor/a/b"], ["vendors/a"]),
    ],
)
def test_patterns(clock, pattern, hits, misses):
    one = upstream(Scripted(), clock, Store(), models={pattern: pattern, "alias": "real"})
    assert [one.configured(model) for model in hits] == hits
    assert [one.configured(model) for model in misses] == [None] * len(misses)
    assert one.configured("alias") == "real"


async def test_nothing_is_configured_where_models_are_discovered(clock):
    one = upstream(Scripted(models=["a"]), clock, Store({"T": "t"}))
    await one.discover()
    assert one.configured("a") is None


async def test_discovery_without_a_token_is_a_list_that_failed(clock):
    one = upstream(Scripted(models=["a"]), clock, Store())
    await one.discover()
    assert one.models is None
    with pytest.raises(ChatError):
        await one.load_tokens()
