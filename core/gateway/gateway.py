"""What everything passes through: who may, who can, who answers, and what it came to.

Chat answers are `open`ed, other requests are `call`ed, and sound and films are `hold`ed while they are read. All three
take the same road. Before the commit point (the first meaningful event, or the result) a failure may be tried again;
after it the answer ends with what went wrong, since two answers are never spliced.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from core.chat.errors import UpstreamError
from core.chat.media import Media
from core.chat.ports import Closing
from core.chat.redact import redact
from core.chat.requests import ChatRequest
from core.chat.settings import GatewaySettings
from core.gateway.activity import Activity
from core.gateway.answer import Answer, begin, loop_time
from core.gateway.catalogue import Catalogue, Listed, Route
from core.gateway.keys import Caller, Keys
from core.gateway.needs import able_to_chat, emulation, having
from core.gateway.record import Record
from core.gateway.road import Road, Try
from core.gateway.secrets import Secrets
from core.gateway.tickets import Ticket, seal, unknown_job, unseal
from core.gateway.tokens import Lease
from core.gateway.upstreams import Upstream
from core.gateway.usage import Meter
from core.gateway.work import Block, Held, Work, hold, perform

RESERVE = 2.0
"""What we leave of the platform's time for saying how it ended."""

P = TypeVar("P")
T = TypeVar("T")


class Gateway:
    """Everything between a parsed request and what becomes of it.

    `remaining` is always what the platform still grants, in seconds. Whatever raises `ChatError` before it returned
    has said nothing yet, so that can still become an honest status line.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        upstreams: Mapping[str, Upstream],
        aliases: Mapping[str, Sequence[str]],
        keys: Keys,
        secrets: Secrets,
        http: Closing,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.upstreams = upstreams
        self.activity = Activity()
        self._catalogue = Catalogue(upstreams, aliases)
        self._keys = keys
        self._secrets = secrets
        self._http = http
        self._road = Road(secrets, jitter)

    async def aclose(self) -> None:
        """Let go of all that is open, in the loop that opened it. A process that simply ends need not."""
        for upstream in self.upstreams.values():
            if isinstance(upstream.provider, Closing):
                await upstream.provider.aclose()
        await self._http.aclose()

    async def authorize(self, key: str | None) -> Caller:
        """The caller who presents `key`. Raises `InvalidKey`."""
        return await self._keys.authorize(key)

    async def list_models(self) -> list[Listed]:
        return await self._catalogue.models()

    async def check_model(self, model: str) -> None:
        """Raises `UnknownModel` for a name that nobody could be asked by."""
        await self._catalogue.routes(model)

    def redact(self, text: str) -> str:
        """`text` without any of our secrets, or an upstream's address."""
        return redact(text, [*self._secrets.known(), *self._keys.known()])

    def seal(self, ticket: Ticket) -> str:
        """`ticket` as an id that a caller may keep."""
        return seal(ticket, self._keys.sign)

    def unseal(self, text: str) -> Ticket:
        """The ticket that we sealed. Raises `ChatError` (404) for any other text."""
        return unseal(text, self._keys.is_signed)

    async def open(self, request: ChatRequest, record: Record, *, remaining: float | None = None) -> Answer:
        """The answer to `request`, past its commit point."""
        record.model = request.model
        deadline = self._deadline(remaining)
        routes = able_to_chat(await self._catalogue.routes(request.model), request)
        attempt = partial(self._begin, request, record, deadline)
        return await self._road.travel(_healthy_first(routes), attempt, record, deadline)

    async def call(
        self,
        port: type[P],
        model: str,
        work: Work[P, T],
        record: Record,
        *,
        remaining: float | None = None,
        ticket: Ticket | None = None,
        once: bool = False,
    ) -> T:
        """What `work` gives with the first provider of `model` that has `port` and succeeds.

        `once`: it may have cost money even where it fails, so that only a token that was refused is a reason to go on.
        `ticket` leads to the provider and the token that began a job, and nowhere else.
        """
        deadline = self._deadline(remaining)
        attempt = partial(perform, work, record, deadline, once)
        return await self._go(port, model, attempt, record, deadline, ticket)

    @asynccontextmanager
    async def hold(
        self,
        port: type[P],
        model: str,
        block: Block[P],
        record: Record,
        *,
        remaining: float | None = None,
        ticket: Ticket | None = None,
    ) -> AsyncIterator[Media]:
        """The same for what is read while it arrives: it may be read within the block, and fail there as well."""
        deadline = self._deadline(remaining)
        held: Held = await self._go(port, model, partial(hold, block, record, deadline), record, deadline, ticket)
        async with held.reading(record, self.settings.idle_timeout, deadline) as media:
            yield media

    async def _go(
        self, port: type[P], model: str, attempt: Try[T], record: Record, deadline: float, ticket: Ticket | None
    ) -> T:
        record.model = model
        if ticket is None:
            routes, only = await self._catalogue.routes(model), ""
        elif upstream := self.upstreams.get(ticket.provider):
            routes, only = [Route(upstream, ticket.model)], ticket.token
        else:
            raise unknown_job()
        able = _healthy_first(having(port, routes, model))
        return await self._road.travel(able, attempt, record, deadline, only=only)

    async def _begin(self, request: ChatRequest, record: Record, deadline: float, route: Route, lease: Lease) -> Answer:
        """One attempt at a chat, up to its commit point."""
        provider = route.upstream.provider
        started = loop_time()
        idle = self.settings.idle_timeout
        asked = replace(request, model=route.model)
        attempt = begin(route, lease, asked, deadline, emulation(route, request), idle)
        try:
            head = await attempt.first(provider.first_event_timeout or self.settings.first_event_timeout)
        except BaseException as error:
            if isinstance(error, UpstreamError):
                attempt.failed(error, record)
            await attempt.close()
            raise
        lease.succeeded()
        record.first_event = loop_time() - started
        return Answer(attempt, head, Meter(request), record, idle)

    def _deadline(self, remaining: float | None) -> float:
        total = self.settings.total_timeout
        return loop_time() + (total if remaining is None else min(total, remaining - RESERVE))


def _healthy_first(routes: list[Route]) -> list[Route]:
    return sorted(routes, key=lambda route: route.upstream.health.benched)
