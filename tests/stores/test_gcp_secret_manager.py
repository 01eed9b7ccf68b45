"""Secrets in Google's Secret Manager, asked over the wire as the function asks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from core.chat.errors import ConfigError, InvalidRequest, Unavailable
from core.chat.ports import WritableSecrets
from core.stores.gcp_secret_manager import Secrets
from core.wire.client import HttpClient
from tests.support.google import PROJECT, Google, google

CANARY = "canary-4f9a0c7b21d84e6f90ab"
URL = f"gcp-secret-manager://{PROJECT}/any2api"


@pytest.fixture
async def project() -> AsyncIterator[Google]:
    async with google() as project:
        yield project


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with aclosing(HttpClient()) as client:
        yield client


@pytest.fixture
def store(project: Google, http: HttpClient) -> Secrets:
    return Secrets(URL, project.environment, http)


async def test_what_is_stored_is_fetched_and_the_rest_left_out(store, project):
    secrets: WritableSecrets = store
    await secrets.store("KEY", CANARY)
    await secrets.store("TOKENS", "one\ntwo, drei ключ\n")
    assert await secrets.fetch(["KEY", "TOKENS", "MISSING"]) == {"KEY": CANARY, "TOKENS": "one\ntwo, drei ключ"}
    assert [*project.secrets] == ["any2api-KEY", "any2api-TOKENS"]


async def test_the_latest_version_counts(store, project):
    await store.store("KEY", "old")
    await store.store("KEY", "new")
    assert await store.fetch(["KEY"]) == {"KEY": "new"}
    assert project.secrets["any2api-KEY"] == ["old", "new"]


@pytest.mark.parametrize("versions", [[], ["old", None]], ids=["no version", "the latest destroyed"])
async def test_a_secret_without_a_value_is_left_out(store, project, versions):
    project.secrets["any2api-KEY"] = versions
    assert await store.fetch(["KEY"]) == {}


async def test_names_come_from_all_pages_without_those_of_others(store, project):
    project.page_size = 2
    project.put(B="", A="", C="", D="")
    project.secrets |= {"other-KEY": ["x"], "any2apiKEY": ["x"]}
    assert await store.names() == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        (f"gcp-secret-manager://{PROJECT}/any2api", "any2api-"),
        (f"gcp-secret-manager://{PROJECT}/any2api/", "any2api-"),
        (f"gcp-secret-manager://{PROJECT}/any2api-", "any2api-"),
        (f"gcp-secret-manager://{PROJECT}/", ""),
        (f"gcp-secret-manager://{PROJECT}", ""),
        ("gcp-secret-manager://example.com:project-1/a_b", "a_b-"),
    ],
)
def test_the_prefix_is_in_the_url(url, prefix):
    assert Secrets(url, {}, HttpClient()).prefix == prefix


@pytest.mark.parametrize("rest", ["", "/any2api", f"{PROJECT}/a/b", f"{PROJECT}/a.b", f"{PROJECT}/a?x", "Projekt Ö/x"])
def test_a_url_that_names_no_project_or_an_odd_prefix_is_refused(rest):
    with pytest.raises(ConfigError, match="environment: SECRETS_URL: needs a project"):
        Secrets(f"gcp-secret-manager://{rest}", {}, HttpClient())


# What Google binds to a variable


async def test_what_is_not_in_the_store_may_be_in_the_environment(project, http):
    project.put(TOKENS="from the store")
    environment = {**project.environment, "KEY": f" {CANARY}\n", "TOKENS": "from the environment"}
    found = await Secrets(URL, environment, http).fetch(["KEY", "TOKENS", "MISSING"])
    assert found == {"KEY": CANARY, "TOKENS": "from the store"}


async def test_a_name_that_google_does_not_take_is_looked_up_in_the_environment_alone(project, http):
    found = await Secrets(URL, {**project.environment, "a.b": CANARY}, http).fetch(["a.b"])
    assert found == {"a.b": CANARY}
    assert project.asked == []


async def test_one_that_is_forbidden_is_left_out_since_google_says_the_same_of_one_that_is_missing(store, project):
    project.put(KEY=CANARY, TOKENS="x")
    project.readable = lambda secret: secret == "any2api-KEY"
    assert await store.fetch(["KEY", "TOKENS"]) == {"KEY": CANARY}


async def test_where_all_are_forbidden_it_is_told(store, project):
    project.put(KEY=CANARY)
    project.readable = lambda secret: False
    with pytest.raises(Unavailable) as refused:
        await store.fetch(["KEY", "TOKENS"])
    assert refused.value.message == (
        "Google's secretmanager refused: PERMISSION_DENIED; enable the API, and grant the role it takes to the account "
        "that asks."
    )
    assert (refused.value.status, refused.value.code) == (503, "configuration_unavailable")


# What cannot be


async def test_a_name_or_value_that_google_does_not_take_is_told_before_anything_is_sent(store, project):
    with pytest.raises(InvalidRequest, match=re.escape("letters, digits, - and _ in the name of a secret, which a.b")):
        await store.store("a.b", "x")
    with pytest.raises(InvalidRequest, match="up to 65536 bytes"):
        await store.store("KEY", "я" * 32769)
    assert project.asked == []


async def test_a_value_that_is_no_text_is_named(store, project):
    project.failure = 200, '{"payload": {"data": "/w=="}}'
    with pytest.raises(Unavailable, match="The secret any2api-KEY is not a text"):
        await store.fetch(["KEY"])


@pytest.mark.parametrize(
    "failure", [(429, '{"error": {"status": "RESOURCE_EXHAUSTED"}}'), (500, "{}"), (502, "<html>")]
)
async def test_a_store_that_is_ill_raises(store, project, failure):
    project.put(KEY=CANARY)
    project.failure = failure
    with pytest.raises(Unavailable):
        await store.fetch(["KEY"])
    with pytest.raises(Unavailable):
        await store.store("KEY", "x")
