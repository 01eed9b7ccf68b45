"""Asking for what comes in one piece: callers who leave, servers that stop, failures that may have cost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from core.api.shared.ask import ask
from core.api.shared.hangup import CallerGone
from core.chat.errors import Blame, ChatError, Retry, UpstreamError, UpstreamTruncated, UpstreamUnreachable
from core.chat.media import EmbeddingRequest
from core.chat.ports import EmbeddingProvider
from tests.api.stage import Caller
from tests.api.studio import Studio
from tests.support.road import Road

LIMITED = UpstreamError("Slow.", status=503, blame=Blame.COOL, retry=Retry.NEVER)
PAID_IN_PART = UpstreamError("Slow.", status=429, blame=Blame.COOL, retry=Retry.NEVER)
PAID_IN_PART.costly = True


class Stuck(Studio):
    """Waits for ever; `asked` once it does, `left` once it no longer has to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun_waiting = asyncio.Event()
        self.left = False

    async def embed(self, request: Any, token: Any) -> Any:
        self.begun_waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left = True


def asking(studio: Studio, caller: Caller, *, once: bool = False, model: str = "m") -> asyncio.Task[Any]:
    class App:
        class state:  # noqa: N801  # Starlette's name
            gateway = Road({"a": studio}).gateway

    request = Request({**caller.scope, "app": App}, caller.receive)
    wanted = EmbeddingRequest(model, ("a",))
    work = ask(request, EmbeddingProvider, model, lambda provider, _, token: provider.embed(wanted, token), once=once)
    return asyncio.create_task(work)


async def test_what_the_provider_gives() -> None:
    assert await asking(Studio("made"), Caller()) == "made"


async def test_a_hang_up_ends_the_wait() -> None:
    studio, caller = Stuck(), Caller()
    task = asking(studio, caller)
    await studio.begun_waiting.wait()
    caller.gone.set()

    with pytest.raises(CallerGone):
        await task
    assert studio.left


@pytest.mark.parametrize("once", [False, True])
async def test_a_server_that_stops_says_so(once: bool) -> None:
    studio = Stuck()
    task = asking(studio, Caller(), once=once)
    await studio.begun_waiting.wait()
    task.cancel()

    with pytest.raises(ChatError) as stopped:
        await task
    assert (stopped.value.status, stopped.value.code, stopped.value.costly) == (503, "server_stopping", once)
    assert studio.left


@pytest.mark.parametrize(
    ("failure", "once", "costly"),
    [
        (UpstreamTruncated(), True, True),
        (UpstreamError("No.", status=504, retry=Retry.NEVER), True, True),
        (UpstreamError("No.", status=502, retry=Retry.NEVER), False, False),
        (UpstreamError("No.", status=400, retry=Retry.NEVER), True, False),
        (LIMITED, True, False),
        (PAID_IN_PART, True, True),
        (UpstreamUnreachable("Nobody there.", retry=Retry.OTHER_ROUTE), True, False),
    ],
)
async def test_only_what_may_have_cost_is_costly(failure: UpstreamError, once: bool, costly: bool) -> None:
    with pytest.raises(UpstreamError) as raised:
        await asking(Studio(failure), Caller(), once=once)

    assert raised.value.costly is costly


async def test_what_nobody_was_asked_for_cost_nothing() -> None:
    with pytest.raises(ChatError) as raised:
        await asking(Studio(), Caller(), once=True, model="other")

    assert (raised.value.status, raised.value.costly) == (404, False)
