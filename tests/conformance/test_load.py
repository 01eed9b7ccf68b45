"""Many clients at once."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing

import httpx

from tests.conformance.gateways import AUTHORIZED, Connected, connected, question
from tests.conformance.kinds import Kind, everywhere, upstream_of
from tests.conformance.sse import chunks, content
from tests.conformance.test_disconnects import CHAT, call
from tests.support.chat_upstream import ChatUpstream
from tests.support.loops import PATIENCE
from tests.support.openai_models import ALL
from tests.support.openai_upstream import openai_upstream


@everywhere
async def test_twenty_slow_streams_run_side_by_side_and_are_not_mixed(
    gateway: Connected, upstream: ChatUpstream
) -> None:
    """Item 138: none may go on before all twenty have begun."""

    async def stream(number: int) -> str:
        answer = await client.post(CHAT, json=question("gated", f"number-{number}", stream=True))
        return content(chunks(answer.content))

    limits = httpx.Limits(max_connections=None)
    options = {"base_url": gateway.url, "headers": AUTHORIZED, "timeout": PATIENCE, "trust_env": False}
    async with httpx.AsyncClient(limits=limits, **options) as client:
        streams = [asyncio.create_task(stream(number)) for number in range(20)]
        await asyncio.to_thread(upstream.wait, lambda up: up.open == 20)
        upstream.open_gate()
        texts = await asyncio.gather(*streams)

    assert texts == [f"number-{number} and the rest" for number in range(20)]


@everywhere
def test_thirty_clients_that_leave_at_once_leave_nothing_behind(upstream_kind: Kind) -> None:
    """Item 140: no connection, no task, and the next request is served."""
    with upstream_of(upstream_kind) as upstream, connected(upstream) as gateway:
        gateway.http.get("/v1/models")  # so that nobody waits for the list
        before = gateway.served.tasks()
        with ExitStack() as clients:
            for number in range(30):
                body = question("gated", stream=number % 2 == 0, n=1 + number % 3 // 2)
                clients.enter_context(closing(call(gateway, body)))
            upstream.wait(lambda up: up.open == 40)

        upstream.wait(lambda up: len(up.left) == 40)
        gateway.served.settle(before)
        upstream.wait_until_deserted()
        assert gateway.chat("echo").json()["choices"][0]["message"]["content"] == "hello"


def test_answers_leave_nothing_behind_either() -> None:
    """However an answer ends, its task ends, and its connection is kept for the next one or closed."""
    with openai_upstream(ALL) as upstream, connected(upstream) as gateway:
        gateway.chat("echo")
        before = gateway.served.tasks()
        for stream in (False, True):
            for model in ("echo", "breaks-end", "breaks-error", "breaks-reset", "fails-500", "empty", "fails-400"):
                gateway.chat(model, stream=stream, n=2)

        gateway.served.settle(before)
        upstream.wait(lambda up: up.open == 0)
        assert upstream.connections <= 2
