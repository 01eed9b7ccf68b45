"""Secrets from environment variables."""

from core.chat.ports import SecretStore
from core.stores.env import Secrets
from core.wire.client import HttpClient


async def test_those_that_are_set_are_found():
    store: SecretStore = Secrets("env://", {"A": "1", "B": " 2\n", "C": "", "D": "4"}, HttpClient())
    assert await store.fetch(["A", "B", "C", "X"]) == {"A": "1", "B": "2"}


async def test_the_environment_is_read_at_each_fetch():
    environment = {"A": "old"}
    store = Secrets("env://", environment, HttpClient())
    assert await store.fetch(["A"]) == {"A": "old"}
    environment["A"] = "new"
    assert await store.fetch(["A"]) == {"A": "new"}
