"""Attempts: routes in fallback order, and for each of them tokens in turn.

What can still be tried again is: another token, the same upstream a moment later, the next route; three attempts at
most. Whether something can be tried again is in the failure itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

from core.chat.errors import Blame, ChatError, Retry, UpstreamError
from core.chat.ports import Token
from core.gateway.answer import loop_time
from core.gateway.catalogue import Route
from core.gateway.record import Record
from core.gateway.secrets import Secrets
from core.gateway.tokens import Lease

ATTEMPTS = 3
LONGEST_WAIT = 5.0
LONGEST_PAUSE = 0.5
TIMER_SLACK = 0.01
"""An event loop may wake us this much too early."""

T = TypeVar("T")
Try: TypeAlias = Callable[[Route, Lease], Awaitable[T]]
"""One attempt on a route with a token. Raises `UpstreamError`, and has told the lease how it went."""


class Road:
    """Leads a request to an upstream that takes it. `jitter` gives numbers from 0 to 1."""

    def __init__(self, secrets: Secrets, jitter: Callable[[], float] = random.random) -> None:
        self._secrets = secrets
        self._jitter = jitter

    async def travel(
        self, routes: Sequence[Route], attempt: Try[T], record: Record, deadline: float, *, only: str = ""
    ) -> T:
        """The result of the first attempt that succeeds. `only` is the label of the one token that may be used.

        Raises `ChatError`: the last upstream's failure, or why no upstream could even be asked.
        """
        failure: ChatError | None = None
        for position, route in enumerate(routes):
            journey = _Journey(route, record, deadline, is_last=position == len(routes) - 1, only=only)
            try:
                return await self._try_route(journey, attempt)
            except UpstreamError as error:
                failure = error
                if error.retry is Retry.NEVER:
                    break
            except ChatError as error:
                failure = failure or error
            if record.attempts >= ATTEMPTS:
                break
        assert failure is not None  # noqa: S101  # the catalogue never gives an empty list
        record.error = failure.code or ""
        raise failure

    async def _try_route(self, journey: _Journey, attempt: Try[T]) -> T:
        """Attempts on one route, with as many tokens as the budget allows. Raises the last failure."""
        upstream, record = journey.route.upstream, journey.record
        if verdict := upstream.health.verdict:
            raise verdict
        since = self._secrets.now()
        await upstream.load_tokens()
        journey.begin()
        failure: UpstreamError | None = None
        while record.attempts < ATTEMPTS:
            lease = await self._take(journey, failure)
            record.attempts += 1
            record.provider, record.upstream_model = upstream.name, journey.route.model
            record.token = lease.token.label
            try:
                return await attempt(journey.route, lease)
            except UpstreamError as error:
                failure = error.with_traceback(None)  # which would keep all that this attempt had read
            if failure.retry in {Retry.NEVER, Retry.OTHER_ROUTE} or (failure.retry is Retry.SAME and journey.repeated):
                break
            if failure.retry is Retry.SAME:
                journey.repeated = True
                await asyncio.sleep(self._jitter() * LONGEST_PAUSE)
            elif failure.blame is Blame.DISABLE:
                await upstream.load_tokens(newer_than=since)
            elif failure.blame is Blame.NOTHING:
                journey.useless.append(lease.token)
        assert failure is not None  # noqa: S101  # the loop ran at least once
        raise failure

    async def _take(self, journey: _Journey, failure: UpstreamError | None) -> Lease:
        """A token, after a short wait where that is the only way. Raises what best explains that there is none."""
        pool, model = journey.route.upstream.pool, journey.route.model
        patient = journey.is_last and not journey.repeated
        while True:
            try:
                return pool.take(model, journey.useless)
            except ChatError as error:
                wait = pool.wait(model, journey.useless)
                if not patient or wait is None or wait > min(LONGEST_WAIT, journey.deadline - loop_time()):
                    raise _explained(failure, error) from None
            await asyncio.sleep(wait + TIMER_SLACK)
            patient = False


class _Journey:
    """What is known about one route while it is tried."""

    def __init__(self, route: Route, record: Record, deadline: float, *, is_last: bool, only: str) -> None:
        self.route = route
        self.record = record
        self.deadline = deadline
        self.is_last = is_last
        self.repeated = False
        self.useless: list[Token] = []
        self._only = only

    def begin(self) -> None:
        """Once its tokens are known."""
        if self._only:
            states = self.route.upstream.pool.all_states()
            self.useless = [token for token, _ in states if token.label != self._only]


def _explained(failure: UpstreamError | None, exhausted: ChatError) -> ChatError:
    """Why there is no token: what the last one met with, and when there will be one again."""
    if failure is None:
        return exhausted
    if failure.status in {429, 503}:
        failure.retry_after = exhausted.retry_after or failure.retry_after
    return failure
