"""Faults on the way to the upstream, rows 1 to 13.

Row 10, a reset of HTTP/2, cannot happen: no HTTP/2 is spoken, and a peer that speaks it is not HTTP to us.
Of row 7, the wait until the deadline where there is no other target is cut short by `first_event_timeout`, which a
provider may lengthen; within it the line is kept open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
import trustme

import core.app
from core.wire.client import HttpClient
from core.wire.transport import Transport
from tests.faults.stage import EXTRA, GOOD, TOKENS, answered, in_turn, refused, replies, says, silent
from tests.support.tls import HOST, leading_to, serving, trusting
from tests.support.upstream import Seen, Wire, upstream


async def reset(_: Seen, wire: Wire) -> None:
    wire.reset()


async def hang_up(_: Seen, wire: Wire) -> None:
    wire.close()


@pytest.fixture
def nowhere() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the gateway reach its upstreams by another transport."""

    def use(**options: object) -> None:
        monkeypatch.setattr(core.app, "HttpClient", lambda **_: HttpClient(Transport(**options)))

    return use


async def test_refused(stage, streamed, nowhere):
    """Row 1."""
    async with stage(urls={"a": nowhere}) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_unreachable", saying="refused the connection")
        assert here.rests == {}
        await here.ask()
        assert here.kept().health.benched
    assert [entry["attempts"] for entry in here.entries()] == [2, 2]


async def test_refused_and_another_target(stage, streamed, nowhere):
    """Row 1."""
    async with stage(urls={"a": nowhere, "b": nowhere}) as here:
        refused(await here.ask(stream=streamed, model="both"), 502, "upstream_unreachable")
    async with upstream(GOOD) as other, stage(urls={"a": nowhere, "b": other.url}) as here:
        said = await here.ask(stream=streamed, model="both")
        answered(said)
        assert said.headers["x-any2api-provider"] == "b"


@pytest.mark.parametrize(("problem", "attempts"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 2)])
async def test_a_name_that_cannot_be_resolved(stage, streamed, transport, problem, attempts):
    """Row 2: a name that does not exist is not asked for again, a resolver that fails is asked once more."""
    asked = []

    async def resolver(host: str, _: int) -> list[str]:
        asked.append(host)
        raise socket.gaierror(problem, "no")

    transport(resolver=resolver)
    async with stage(urls={"a": "http://api.example.com/secret-path?key=hidden"}) as here:
        said = await here.ask(stream=streamed)
        refused(said, 502, "upstream_unreachable", saying="The name api.example.com cannot be resolved.")
        assert b"secret-path" not in said.raw
        assert len(asked) == attempts


async def test_a_public_name_that_leads_into_a_private_network(stage, streamed, transport):
    """Row 3."""
    async with upstream(GOOD) as inside:
        transport(resolver=leading_to("127.0.0.1"))
        async with stage(urls={"a": inside.at("api.example.com")}) as here:
            refused(await here.ask(stream=streamed), 502, "upstream_blocked", saying="api.example.com")
            assert inside.accepted == 0
    assert here.entries()[0]["error"] == "upstream_blocked"


@pytest.mark.parametrize("problem", ["self-signed", "wrong host"])
async def test_tls_that_cannot_be_trusted(stage, streamed, transport, problem):
    """Row 4."""
    trusted = trustme.CA()
    certificate = trustme.CA().issue_cert(HOST) if problem == "self-signed" else trusted.issue_cert("another.test")
    async with upstream(GOOD, tls=serving(certificate)) as server:
        transport(resolver=leading_to("127.0.0.1"), ssl_context=lambda: trusting(trusted))
        async with stage(urls={"a": server.at(HOST, "https")}) as here:
            refused(await here.ask(stream=streamed), 502, "upstream_tls_error", saying=f"TLS with {HOST} failed")
            assert server.seen == []
    assert [entry["attempts"] for entry in here.entries()] == [1]


async def test_no_connection_in_time(stage, streamed, transport):
    """Row 5: after the limit for a connection, and the next target answers."""

    async def resolver(host: str, _: int) -> list[str]:
        if host == "hangs.test":
            await asyncio.get_running_loop().create_future()
        return ["127.0.0.1"]

    transport(resolver=resolver, connect_timeout=0.05)
    async with upstream(GOOD) as other, stage(urls={"a": "http://hangs.test", "b": other.url}) as here:
        refused(await here.ask(stream=streamed), 504, "upstream_timeout", saying="hangs.test could not be connected")
        answered(await here.ask(stream=streamed, model="both"))


async def test_no_response_at_all(stage, streamed):
    """Row 6: a 504 at the limit, one attempt, and the upstream sees that we left."""
    async with stage(silent) as here:
        refused(await here.ask(stream=streamed), 504, "upstream_timeout", saying="sent nothing for too long")
        assert len(here.a.seen) == 1
        assert here.rests == {}
        await here.a.connections(0)


async def test_no_response_at_all_and_another_target(stage, streamed):
    """Row 6."""
    async with stage(silent, GOOD) as here:
        answered(await here.ask(stream=streamed, model="both"))
        assert (len(here.a.seen), len(here.b.seen)) == (1, 1)
        await here.a.connections(0)


class Gate:
    """An upstream that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, seen: Seen, wire: Wire) -> None:
        self.asked.set()
        await self.open.wait()
        await GOOD(seen, wire)


async def test_a_slow_first_byte_keeps_the_line_open(stage):
    """Row 7: headers and comments go out after `commit_after`, the answer when it comes."""
    gate = Gate()
    async with stage(gate, first_event_timeout=10, commit_after=0.05) as here, here.asking() as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readuntil(b": keep-alive\n\n")
        gate.open.set()
        assert b"[DONE]" in await reader.read()


async def test_a_slow_first_byte_of_a_whole_answer_is_waited_for(stage):
    """Row 7: nothing can be sent before a whole answer."""
    gate = Gate()
    async with stage(gate, first_event_timeout=10, commit_after=0.02) as here:
        asking = asyncio.create_task(here.ask())
        await gate.asked.wait()
        await asyncio.wait([asking], timeout=0.1)
        gate.open.set()
        answered(await asking)


async def test_a_failure_after_the_line_was_kept_open_is_told_in_it(stage):
    """Rows 6 and 7: the status is gone by then, the next target is not."""
    async with stage(silent, commit_after=0.05) as here:
        said = await here.ask(stream=True)
        assert (said.status, said.comments, said.text) == (200, 1, "")
        assert said.error is not None
        assert said.error["code"] == "upstream_timeout"
        assert b"[DONE]" not in said.raw
    async with stage(silent, GOOD, commit_after=0.05) as here:
        said = await here.ask(stream=True, model="both")
        answered(said)
        assert said.comments == 1


async def test_headers_are_no_answer(stage, streamed):
    """Row 8: headers at once, then nothing."""
    async with stage(says(ends=False)) as here:
        refused(await here.ask(stream=streamed), 504, "upstream_timeout")
        assert len(here.a.seen) == 1
        await here.a.connections(0)


async def test_headers_are_no_answer_and_another_target(stage, streamed):
    """Row 8."""
    async with stage(says(ends=False), GOOD) as here:
        answered(await here.ask(stream=streamed, model="both"))


@pytest.mark.parametrize("ending", [reset, hang_up])
async def test_a_connection_that_ends_before_the_headers(stage, streamed, ending):
    """Row 9: once more, then the next target."""
    async with stage(ending, GOOD) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_unreachable")
        assert len(here.a.seen) == 2
        answered(await here.ask(stream=streamed, model="both"))
        assert here.kept().health.benched
        assert here.rests == {}


@pytest.mark.parametrize("ending", [reset, hang_up])
async def test_a_connection_that_ends_once_before_the_headers(stage, streamed, ending):
    """Row 9."""
    async with stage(in_turn(ending, GOOD)) as here:
        answered(await here.ask(stream=streamed))


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.9\r\n", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"])
async def test_a_peer_that_does_not_speak_our_http(stage, streamed, greeting):
    """Row 10: something else, or frames of HTTP/2."""

    async def speak(_: Seen, wire: Wire) -> None:
        await wire.raw(greeting)
        wire.close()

    async with stage(speak) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_bad_response")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host(stage, streamed, status):
    """Row 11: the other host sees no credential, since it sees nothing."""
    async with (
        upstream(GOOD) as thief,
        stage(replies(status, b"<html>moved</html>", Location=f"{thief.url}/v1", content_type="text/html")) as here,
    ):
        refused(await here.ask(stream=streamed), 502, "upstream_redirect_blocked")
        assert thief.accepted == 0
        [sent] = here.a.seen
        assert sent.headers["authorization"] == f"Bearer {TOKENS[0]}"
        assert sent.headers["x-extra"] == EXTRA


async def test_a_redirect_and_another_target(stage, streamed):
    """Row 11."""
    async with stage(replies(307, Location="http://elsewhere.invalid/"), GOOD) as here:
        answered(await here.ask(stream=streamed, model="both"))


async def test_a_redirect_loop(stage, streamed):
    """Row 12: it is not even entered."""
    async with stage(replies(308, Location="/v1/chat/completions")) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_redirect_blocked")
        assert len(here.a.seen) == 1


async def test_a_proxy_in_the_environment(stage, streamed, monkeypatch):
    """Row 13: nobody configured it here, so nothing goes through it."""
    async with upstream(replies(200, b"I am a proxy")) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        async with stage(GOOD) as here:
            answered(await here.ask(stream=streamed))
            assert proxy.accepted == 0


async def test_an_upstream_that_sends_headers_without_end(stage, streamed):
    """R7: a header block has 32 KB at most."""

    async def babble(_: Seen, wire: Wire) -> None:
        await wire.raw(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            await wire.raw(b"x-more: " + b"x" * 1000 + b"\r\n")
        await wire.raw(b"\r\n")

    async with stage(babble) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_bad_response")
