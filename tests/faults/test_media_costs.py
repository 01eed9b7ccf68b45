"""What may cost money, and who pays: which failures lead on to another token, another upstream, or nowhere."""

from __future__ import annotations

import json

import pytest

from tests.faults import media_kinds as upstreams
from tests.faults.media_apis import OPERATIONS
from tests.faults.media_kinds import MAKERS, Fault, Made, Maker
from tests.faults.stage import TOKENS, refused
from tests.support.caller import request
from tests.support.upstream import Script, Seen, Wire

FAULTS_THAT_MAY_COST = ("broken", "page", "nothing", "gone", "cut", "short", "reset")
COSTLY = [
    (name, kind) for name, each in OPERATIONS.items() if each.costly for kind in MAKERS if name in MAKERS[kind].makes
]
CHEAP = [(name, "openai") for name, each in OPERATIONS.items() if not each.costly and each.body is not None]
costly = pytest.mark.parametrize(("name", "kind"), COSTLY)
every_maker = pytest.mark.parametrize(("name", "kind"), COSTLY + CHEAP)


def once(first: Fault, then: Fault = upstreams.well) -> Fault:
    """The first request meets with `first`, every other one with `then`."""
    left = [first]

    async def fault(maker: Maker, made: Made, seen: Seen, wire: Wire) -> None:
        await (left.pop() if left else then)(maker, made, seen, wire)

    return fault


@pytest.fixture
def two(stage, name: str, kind: str):
    """Two upstreams of a kind: `both` falls back from the first, which meets everything with a fault, to the other."""

    def set_up(fault: Fault, **settings):
        maker = MAKERS[kind]
        scripts: list[Script] = [maker.script(name, each) for each in (fault, upstreams.well)]
        return stage(*scripts, provider=maker.provider, **settings)

    return set_up


@pytest.mark.parametrize("fault", ["limited", "locked"])
@every_maker
async def test_a_token_that_is_refused_gives_way_to_the_next(cast, name, kind, fault):
    """Whoever refuses has done nothing yet."""
    operation, maker = OPERATIONS[name], MAKERS[kind]
    async with cast(name, kind, once(getattr(upstreams, fault)), tokens=TOKENS) as here:
        said = await here.send(operation.request(here.url, ""))
        operation.check(said, maker.makes[name].content)
        assert len({seen.headers["authorization"] for seen in here.a.seen}) == len(here.a.seen) == 2
        assert len(here.rests) == 1


@pytest.mark.parametrize("fault", FAULTS_THAT_MAY_COST)
@costly
async def test_what_may_have_been_done_is_asked_of_nobody_else(two, name, kind, fault):
    async with two(getattr(upstreams, fault), tokens=TOKENS) as here:
        said = await here.send(OPERATIONS[name].request(here.url, "", model="both"))
        assert (len(here.a.seen), len(here.b.seen)) == (1, 0)
    assert (said.status, said.headers["x-should-retry"]) == (502, "false")


async def lies_nowhere(_: Maker, __: Made, seen: Seen, wire: Wire) -> None:
    """A picture that was made, and that nobody can fetch."""
    if seen.method == "GET":
        await wire.reply(404, "")
    else:
        await wire.reply(200, json.dumps({"data": [{"url": f"http://{seen.headers['host']}/v1/images/1.png"}]}))


@pytest.mark.parametrize(("name", "kind"), [("images", "openai")])
async def test_what_was_made_and_lost_is_not_made_again(two, name, kind):
    body = {"model": "both", "prompt": "a cat", "response_format": "b64_json"}
    async with two(lies_nowhere, private_addresses=True) as here:
        said = await here.send(request(here.url, body, path=OPERATIONS[name].path))
        assert [seen.method for seen in here.a.seen] == ["POST", "GET"]
        assert here.b.seen == []
    refused(said, 502, "upstream_bad_response")
    assert said.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("fault", ["limited", "locked"])
@every_maker
async def test_what_was_refused_is_asked_of_the_next_upstream(two, name, kind, fault):
    async with two(getattr(upstreams, fault)) as here:
        said = await here.send(OPERATIONS[name].request(here.url, "", model="both"))
        OPERATIONS[name].check(said, MAKERS[kind].makes[name].content)
        assert (len(here.a.seen), len(here.b.seen)) == (1, 1)


@every_maker
async def test_who_cannot_be_reached_has_done_nothing(two, name, kind):
    async with two(upstreams.well, urls={"a": "http://127.0.0.1:1"}) as here:
        said = await here.send(OPERATIONS[name].request(here.url, "", model="both"))
        OPERATIONS[name].check(said, MAKERS[kind].makes[name].content)
        assert len(here.b.seen) == 1


@every_maker
async def test_where_nobody_can_be_reached_trying_again_is_safe(cast, name, kind):
    async with cast(name, kind, urls={"a": "http://127.0.0.1:1"}) as here:
        said = await here.send(OPERATIONS[name].request(here.url, ""))
    refused(said, 502, "upstream_unreachable")
    assert "x-should-retry" not in said.headers


@costly
async def test_over_a_kept_connection_it_is_sent_once_as_well(cast, name, kind):
    """A connection from before may be too old, or the upstream has begun and died: nobody can tell."""
    async with cast(name, kind, once(upstreams.well, upstreams.gone)) as here:
        for _ in range(2):
            said = await here.send(OPERATIONS[name].request(here.url, ""))
        assert len(here.a.seen) == 2
    refused(said, 502, "upstream_unreachable")
    assert said.headers["x-should-retry"] == "false"
