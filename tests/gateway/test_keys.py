"""Who may call."""

import pytest

from core.chat.errors import InvalidKey, Unavailable
from core.gateway import keys as module
from core.gateway.keys import OVERLAP, Keys
from core.gateway.secrets import Secrets
from tests.support.road import Clock, Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store({"KEYS": "old-key"})


@pytest.fixture
def keys(clock, store) -> Keys:
    return Keys("secret://KEYS", Secrets(store, ["KEYS"], ttl=10.0, clock=clock))


async def opens(keys: Keys, key: str | None) -> bool:
    try:
        await keys.authorize(key)
    except InvalidKey:
        return False
    return True


async def test_each_key_opens_and_is_named_by_its_place(keys, store):
    store.values["KEYS"] = "first, second\nthird"
    assert [(await keys.authorize(key)).label for key in ("first", "second", "third")] == ["key-1", "key-2", "key-3"]


@pytest.mark.parametrize("key", [None, "", " ", "old-ke", "old-key ", "OLD-KEY", "old-key,old-key", "ключ", "\udcff"])
async def test_everything_else_is_refused_in_the_same_words(keys, key):
    with pytest.raises(InvalidKey) as caught:
        await keys.authorize(key)
    assert caught.value.status == 401
    assert caught.value.message == "Incorrect API key provided. Send it as `Authorization: Bearer KEY`."


async def test_every_key_is_compared_whatever_the_others_say(keys, store, monkeypatch):
    store.values["KEYS"] = "a,b,c"
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr(module.hmac, "compare_digest", compare)
    await keys.authorize("a")
    assert len(compared) == 3
    assert all(len(digest) == 32 for digest in compared)


async def test_old_and_new_keys_both_open_for_a_while_after_a_rotation(keys, store, clock):
    assert await opens(keys, "old-key")
    store.values["KEYS"] = "new-key"
    clock.advance(10)
    assert await opens(keys, "new-key")
    assert await opens(keys, "old-key")
    clock.advance(OVERLAP - 0.1)
    assert await opens(keys, "old-key")
    clock.advance(0.1)
    assert not await opens(keys, "old-key")
    assert await opens(keys, "new-key")


async def test_a_new_copy_without_a_change_prolongs_nothing(keys, store, clock):
    await opens(keys, "old-key")
    store.values["KEYS"] = "new-key"
    for _ in range(8):
        clock.advance(10)
        await opens(keys, "new-key")
    assert not await opens(keys, "old-key")


async def test_keys_may_be_given_outright(clock, store):
    given = Keys("given-key", Secrets(store, [], ttl=10.0, clock=clock))
    assert await opens(given, "given-key")
    assert not await opens(given, "old-key")
    assert store.fetches == 0
    assert given.known() == ["given-key"]


def test_keys_that_are_secrets_are_known_where_the_secrets_are(keys):
    assert keys.known() == []


@pytest.mark.parametrize("value", ["", " , "])
async def test_without_a_key_nobody_gets_in(keys, store, value):
    store.values["KEYS"] = value
    with pytest.raises(Unavailable) as caught:
        await keys.authorize("")
    assert caught.value.status == 503
    assert "KEYS" in caught.value.message


@pytest.fixture
def public(clock, store) -> Keys:
    return Keys("secret://KEYS", Secrets(store, ["KEYS"], ttl=10.0, clock=clock), is_weak=lambda key: len(key) < 4)


@pytest.mark.parametrize("value", ["abc", "long-enough, abc", "long-enough\nabc"])
async def test_where_one_key_is_weak_none_opens(public, store, caplog, value):
    store.values["KEYS"] = value
    for _ in range(2):
        with pytest.raises(Unavailable, match="KEYS can be guessed") as caught:
            await public.authorize("long-enough")
        assert caught.value.status == 503
    assert [line.message for line in caplog.records] == [caught.value.message]


async def test_a_strong_key_opens_once_it_is_there(public, store, clock):
    store.values["KEYS"] = "abc"
    with pytest.raises(Unavailable):
        await public.authorize("abc")
    store.values["KEYS"] = "long-enough"
    clock.now += 11
    assert await opens(public, "long-enough")
