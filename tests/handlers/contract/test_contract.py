"""One contract for every platform: the same requests get the same answers, as streams, within each one's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.handlers.contract.artefacts import Artefact, Laptop, Running
from tests.handlers.contract.requests import ASKED, Transcript, ask, chat
from tests.support.caller import Said, calling, read, request
from tests.support.openai_upstream import OpenAIUpstream

FOREVER = 300.0


@pytest.fixture(scope="session")
def reference(laptop: Laptop) -> Mapping[str, Transcript]:
    """What `any2api serve` answers."""

    async def answers(url: str) -> Mapping[str, Transcript]:
        return {name: Transcript.of(await ask(url, asked)) for name, asked in ASKED.items()}

    with laptop.start() as running:
        return asyncio.run(answers(running.url))


@pytest.mark.parametrize("name", ASKED)
async def test_every_platform_gives_the_same_answer(running: Running, reference, name):
    said = await ask(running.url, ASKED[name])
    assert said.status == ASKED[name].status
    assert said.status == 204 or ASKED[name].method == "HEAD" or said.is_complete
    assert Transcript.of(said) == reference[name]


async def test_an_answer_is_passed_on_as_it_comes(running: Running, upstream: OpenAIUpstream):
    """Upstream says its first words and then waits for us, who have them by then."""
    async with calling(running.url, request(running.url, chat("gated", stream=True).body)) as reader:
        heard = await reader.readuntil(b'"content":"')
        assert b"and the rest" not in heard
        upstream.open_gate()
        said = Said(heard + (await read(reader)).raw)
    assert said.is_complete
    assert said.is_done
    assert said.text.endswith("and the rest")


async def test_a_caller_who_hangs_up_lets_go_of_upstream(artefact: Artefact, upstream: OpenAIUpstream):
    """At once where the platform tells it, and nothing else would happen within minutes."""
    if not artefact.hears_hangups:
        pytest.skip("Lambda does not tell a function that its caller is gone; its deadline ends the answer")
    with artefact.start(FOREVER) as running:
        for model in ("gated", "silent"):
            async with calling(running.url, request(running.url, chat(model, stream=True).body)) as reader:
                if model == "gated":
                    await reader.readuntil(b'"content":"')
                await asyncio.to_thread(upstream.wait, lambda upstream: upstream.open == 1)
            await asyncio.to_thread(upstream.wait, lambda upstream: upstream.open == 0)
    assert upstream.left == ["gated", "silent"]


async def test_the_platforms_time_ends_an_answer_lawfully(artefact: Artefact, upstream: OpenAIUpstream):
    with artefact.start(4.0) as running:
        streamed = await ask(running.url, chat("gated", stream=True))
        late = await ask(running.url, chat("silent"))
    assert streamed.status == 200
    assert streamed.is_complete
    assert not streamed.is_done
    assert streamed.error["code"] == "deadline_exceeded"
    assert late.status == 504
    assert late.error["code"] == "deadline_exceeded"
    assert upstream.left == ["gated", "silent"]


async def test_a_caller_whom_nobody_reports_costs_no_more_than_the_platforms_time(
    artefact: Artefact, upstream: OpenAIUpstream
):
    if artefact.hears_hangups:
        pytest.skip("here the platform tells that a caller is gone")
    with artefact.start(4.0) as running:
        async with calling(running.url, request(running.url, chat("gated", stream=True).body)) as reader:
            await reader.readuntil(b'"content":"')
        await asyncio.to_thread(upstream.wait, lambda upstream: upstream.left == ["gated"])


@pytest.mark.parametrize(
    ("key", "told"),
    [("", "set API_MASTER_KEY"), ("sk-1234", "A key in API_MASTER_KEY can be guessed: set it to a random text of 24")],
)
async def test_in_public_nothing_is_open_without_a_good_key(artefact: Artefact, key, told):
    if isinstance(artefact, Laptop):
        pytest.skip("only this machine reaches it; with a public address it does not start (tests/cli/test_serve.py)")
    with artefact.start(API_MASTER_KEY=key) as running:
        refused = [await ask(running.url, ASKED[name]) for name in ("models", "whole", "no key")]
        log = running.log()
    assert [said.status for said in refused] == [503, 503, 503]
    assert {said.error["code"] for said in refused if said.error} == {"configuration_unavailable"}
    assert sum(told in line for line in log.splitlines() if '"status"' not in line) == 1
