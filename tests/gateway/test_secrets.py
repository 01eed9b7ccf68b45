"""The copy of the secrets: when it is used, when it is fetched again, and what happens while the store is down."""

import asyncio

import pytest

from core.chat.errors import ChatError, Unavailable
from core.gateway import secrets as module
from core.gateway.secrets import Secrets, secret_name, secret_names, split_secret
from tests.support.road import Clock, Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store({"KEYS": "one,two", "TOKEN": "token-1"})


@pytest.fixture
def secrets(clock, store) -> Secrets:
    return Secrets(store, ["KEYS", "TOKEN"], ttl=60.0, clock=clock)


async def test_nothing_is_fetched_before_it_is_needed(secrets, store):
    assert secrets.known() == []
    assert store.fetches == 0
    assert await secrets.values() == {"KEYS": "one,two", "TOKEN": "token-1"}


async def test_a_copy_serves_for_its_time_and_is_then_fetched_again(secrets, store, clock):
    await secrets.values()
    store.values["TOKEN"] = "token-2"
    clock.advance(59.9)
    assert (await secrets.values())["TOKEN"] == "token-1"
    clock.advance(0.1)
    assert (await secrets.values())["TOKEN"] == "token-2"
    assert store.fetches == 2


async def test_a_newer_copy_can_be_asked_for(secrets, store, clock):
    await secrets.values()
    store.values["TOKEN"] = "token-2"
    clock.advance(1)
    moment = secrets.now()
    clock.advance(1)
    assert (await secrets.values(newer_than=moment))["TOKEN"] == "token-2"
    clock.advance(1)
    await secrets.values(newer_than=moment)
    assert store.fetches == 2


async def test_those_who_ask_together_fetch_once(secrets, store):
    await asyncio.gather(*[secrets.values() for _ in range(10)])
    assert store.fetches == 1


async def test_a_copy_that_is_the_same_is_the_same_object(secrets, store, clock):
    first = await secrets.values()
    clock.advance(60)
    assert await secrets.values() is first
    store.values["TOKEN"] = "token-2"
    clock.advance(60)
    assert await secrets.values() is not first


@pytest.mark.parametrize("failure", [Unavailable("down"), OSError("no route"), KeyError("botocore")])
async def test_the_last_good_copy_serves_while_the_store_is_down(secrets, store, clock, failure):
    await secrets.values()
    store.failure = failure
    clock.advance(61)
    assert (await secrets.values())["TOKEN"] == "token-1"
    clock.advance(59)
    await secrets.values()
    assert store.fetches == 2, "a store that is down is asked no more often than one that is up"
    store.failure = None
    store.values["TOKEN"] = "token-2"
    clock.advance(1)
    assert (await secrets.values())["TOKEN"] == "token-2"


@pytest.mark.parametrize("failure", [Unavailable("down"), OSError("no route to secret-host")])
async def test_without_a_copy_a_store_that_is_down_is_an_honest_503(secrets, store, failure):
    store.failure = failure
    with pytest.raises(ChatError) as caught:
        await secrets.values()
    assert (caught.value.status, caught.value.code) == (503, "configuration_unavailable")
    assert "secret-host" not in caught.value.message
    store.failure = None
    assert (await secrets.values())["TOKEN"] == "token-1"


async def test_a_store_that_hangs_is_down(secrets, store, monkeypatch):
    monkeypatch.setattr(module, "STORE_TIMEOUT", 0.01)
    store.stuck = True
    with pytest.raises(Unavailable):
        await secrets.values()


async def test_who_gives_up_waiting_leaves_the_store_to_the_next(secrets, store):
    store.stuck = True
    waiting = asyncio.create_task(secrets.values())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    store.stuck = False
    assert (await secrets.values())["TOKEN"] == "token-1"


async def test_the_redactor_knows_each_credential_and_those_before_it(secrets, store, clock):
    await secrets.values()
    assert {"one,two", "one", "two", "token-1"} <= set(secrets.known())
    store.values["TOKEN"] = "token-2"
    clock.advance(60)
    await secrets.values()
    assert {"token-1", "token-2"} <= set(secrets.known())


def test_a_secret_is_split_at_commas_and_blanks():
    assert split_secret(" a, b\nc\t\td,,a ") == ["a", "b", "c", "d"]
    assert split_secret("  ") == []


def test_where_a_secret_is_named():
    assert secret_name("secret://API_MASTER_KEY") == "API_MASTER_KEY"
    assert secret_name("sk-123") is None
    table = {"headers": {"x": "Key secret://A", "y": ["secret://B", 3]}, "n": None}
    assert secret_names([table, "secret://C"]) == ["A", "B", "C"]
