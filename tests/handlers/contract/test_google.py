"""What only Google's function does: secrets from Secret Manager, and an end before Google's own limit of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from handlers.gcp_function import SIZE_LIMIT
from tests.handlers.contract.artefacts import Running
from tests.handlers.contract.google import GoogleZip
from tests.handlers.contract.requests import Ask, ask, chat
from tests.support.caller import Said, calling, read, request
from tests.support.gateway import KEY
from tests.support.google import PROJECT, Google
from tests.support.google import google as google_cloud
from tests.support.loops import LoopThread
from tests.support.openai_upstream import OpenAIUpstream

NEW_KEY = "another-key-that-only-tests-present-9876543210"
OLD_TOKEN, NEW_TOKEN = "sk-upstream-old-0123456789abcdef", "sk-upstream-new-0123456789abcdef"
NOT_IN_ENVIRONMENT = {"API_MASTER_KEY": "", "UPSTREAM_KEYS": ""}


@pytest.fixture
def project() -> Iterator[Google]:
    with LoopThread() as thread:
        yield thread.enter(google_cloud())


@pytest.fixture
def variables(project: Google) -> dict[str, str]:
    """What Terraform gives the function, and where the fakes are."""
    return {"SECRETS_URL": f"gcp-secret-manager://{PROJECT}/any2api", **project.environment}


@pytest.fixture
def filled(project: Google, variables, google: GoogleZip) -> Iterator[Running]:
    """A function whose secrets are all in Secret Manager."""
    project.put(API_MASTER_KEY=KEY, UPSTREAM_KEYS=OLD_TOKEN)
    with google.start(**variables, **NOT_IN_ENVIRONMENT) as running:
        yield running


async def echo(running: Running, key: str = KEY) -> Said:
    return await ask(running.url, Ask(chat("echo").body, headers={"Authorization": f"Bearer {key}"}))


def used_token(upstream: OpenAIUpstream) -> str:
    return upstream.asked[-1].headers["authorization"].removeprefix("Bearer ")


async def test_a_rotation_is_seen_without_a_restart(filled, project, upstream):
    assert (await echo(filled)).status == 200
    assert used_token(upstream) == OLD_TOKEN
    project.put(API_MASTER_KEY=NEW_KEY, UPSTREAM_KEYS=NEW_TOKEN)
    assert (await echo(filled, NEW_KEY)).status == 200
    assert used_token(upstream) == NEW_TOKEN
    assert project.tokens == 1  # one access token, and so one process, for both


async def test_while_secret_manager_is_ill_the_last_good_copy_serves(filled, project, upstream):
    assert (await echo(filled)).status == 200
    project.failure = 503, '{"error": {"status": "UNAVAILABLE"}}'
    assert (await echo(filled)).status == 200
    assert used_token(upstream) == OLD_TOKEN


async def test_where_it_is_ill_from_the_start_nothing_is_open_until_it_is_well(filled, project):
    project.failure = 503, '{"error": {"status": "UNAVAILABLE"}}'
    said = await echo(filled)
    assert (said.status, said.json["error"]["code"]) == (503, "configuration_unavailable")
    project.failure = None
    assert (await echo(filled)).status == 200


async def test_the_key_may_be_bound_to_a_variable_and_the_rest_come_from_the_store(
    google, project, variables, upstream
):
    project.put(UPSTREAM_KEYS=NEW_TOKEN)
    project.readable = lambda secret: secret == "any2api-UPSTREAM_KEYS"
    with google.start(**variables, API_MASTER_KEY=KEY, UPSTREAM_KEYS="") as running:
        assert (await echo(running)).status == 200
    assert used_token(upstream) == NEW_TOKEN


async def test_no_secret_is_in_the_log(filled, project):
    await echo(filled)
    await echo(filled, NEW_KEY)
    log = filled.log()
    assert '"status": 401' in log
    assert not [secret for secret in (KEY, NEW_KEY, OLD_TOKEN, project.token) if secret in log]


async def test_an_answer_ends_lawfully_before_google_would_cut_it_off(google: GoogleZip, upstream: OpenAIUpstream):
    with google.start() as running:
        said = await ask(running.url, chat("endless", stream=True))
    assert said.is_complete
    assert not said.is_done
    assert said.error == {
        "message": "The answer is longer than this platform lets through.",
        "type": "server_error",
        "param": None,
        "code": "answer_too_long",
    }
    assert SIZE_LIMIT - 200_000 < len(said.body) < 10_000_000


async def test_one_process_serves_many_callers_at_once(google: GoogleZip, upstream: OpenAIUpstream):
    """Each has its first words before any of them gets the rest."""

    async def first_words(url: str, prompt: str, heard: asyncio.Barrier) -> Said:
        body = {"model": "gated", "stream": True, "messages": [{"role": "user", "content": prompt}]}
        async with calling(url, request(url, body)) as reader:
            begun = await reader.readuntil(b'"content":"')
            await heard.wait()
            return Said(begun + (await read(reader)).raw)

    heard = asyncio.Barrier(41)
    with google.start() as running:
        callers = [asyncio.create_task(first_words(running.url, f"caller-{number}", heard)) for number in range(40)]
        await heard.wait()
        upstream.open_gate()
        answers = await asyncio.gather(*callers)
    assert [said.text for said in answers] == [f"caller-{number} and the rest" for number in range(40)]


def test_what_is_staged_is_the_function_and_nothing_else(google: GoogleZip):
    names = {path.relative_to(google.workspace).as_posix() for path in google.workspace.rglob("*") if path.is_file()}
    ours = {name for name in names if "__pycache__" not in name}
    outside = {name for name in ours if not name.startswith("core/")}
    handlers = {f"handlers/{name}.py" for name in ("__init__", "public", "gcp_function")}
    assert outside == {"any2api.toml", "requirements.txt", *handlers}
    assert not [name for name in ours if name.startswith("core/cli")]
    assert len([name for name in names if name.endswith(".pyc")]) == len(
        [name for name in ours if name.endswith(".py")]
    )
