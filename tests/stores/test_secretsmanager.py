"""Secrets as the fields of one JSON secret, asked over the wire as the function asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from core.chat.errors import ConfigError, Unavailable
from core.chat.ports import WritableSecrets
from core.stores.secretsmanager import Secrets
from core.wire.client import HttpClient
from tests.support.moto import Moto

CANARY = "canary-4f9a0c7b21d84e6f90ab"


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with aclosing(HttpClient()) as client:
        yield client


@pytest.fixture
def store(aws: Moto, http: HttpClient) -> Secrets:
    return Secrets("secretsmanager://any2api", aws.environment, http)


async def test_nothing_is_there_before_the_first_value_is_set(store):
    assert await store.fetch(["KEY"]) == {}
    assert await store.names() == []


async def test_a_secret_without_a_value_as_terraform_makes_it(store):
    await store._manager.call("CreateSecret", {"Name": "any2api"})
    assert await store.fetch(["KEY"]) == {}
    await store.store("KEY", "value")
    assert await store.fetch(["KEY"]) == {"KEY": "value"}


async def test_the_others_stay_when_one_is_set(store):
    secrets: WritableSecrets = store
    await secrets.store("TOKENS", "one\ntwo, drei ключ")
    await secrets.store("KEY", "old")
    await secrets.store("KEY", CANARY)
    assert await secrets.fetch(["KEY", "TOKENS", "MISSING"]) == {"KEY": CANARY, "TOKENS": "one\ntwo, drei ключ"}
    assert await secrets.names() == ["KEY", "TOKENS"]


@pytest.mark.parametrize("content", [f'"{CANARY}"', f"{CANARY}", f'{{"KEY": ["{CANARY}"]}}', "[]"])
async def test_what_is_no_object_of_strings_is_neither_read_nor_overwritten(store, content):
    await store._manager.call("CreateSecret", {"Name": "any2api", "SecretString": content})
    for act in (store.fetch(["KEY"]), store.store("KEY", "new"), store.names()):
        with pytest.raises(Unavailable) as refused:
            await act
        assert str(refused.value) == "The secret any2api in Secrets Manager is not a JSON object of strings."
    answer = await store._manager.call("GetSecretValue", {"SecretId": "any2api"})
    assert answer["SecretString"] == content


async def test_fields_are_trimmed_and_empty_ones_do_not_exist(store):
    content = json.dumps({"KEY": " value\n", "EMPTY": ""})
    await store._manager.call("CreateSecret", {"Name": "any2api", "SecretString": content})
    assert await store.fetch(["KEY", "EMPTY"]) == {"KEY": "value"}


async def test_a_missing_permission_names_the_action(aws, http):
    reader = aws.user("reader", "secretsmanager:GetSecretValue")
    stranger = aws.user("stranger")
    aws.check_permissions()
    with pytest.raises(Unavailable, match="allow secretsmanager:GetSecretValue to the role"):
        await Secrets("secretsmanager://any2api", stranger, http).fetch(["KEY"])
    with pytest.raises(Unavailable, match="allow secretsmanager:PutSecretValue to the role"):
        await Secrets("secretsmanager://any2api", reader, http).store("KEY", "value")


async def test_a_service_may_have_an_address_of_its_own(aws, http):
    environment = {**aws.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = aws.url
    assert await Secrets("secretsmanager://any2api", environment, http).fetch(["KEY"]) == {}


def test_a_name_is_needed():
    with pytest.raises(ConfigError, match="environment: SECRETS_URL: needs a name"):
        Secrets("secretsmanager://", {}, HttpClient())
