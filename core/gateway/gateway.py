"""The one road. The order is written here and nowhere else: route, check, take a token, open, commit.

Before the commit point (the first meaningful event) a failure may be tried again: another token, the same upstream a
moment later, the next route; three attempts at most. After it the answer ends with what went wrong, since two
answers are never spliced.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from core.chat.errors import Blame, ChatError, InvalidRequest, Retry, UpstreamError
from core.chat.ports import Capabilities, Closing, Token
from core.chat.redact import redact
from core.chat.requests import ChatRequest, Image, OtherPart
from core.chat.settings import GatewaySettings
from core.gateway.activity import Activity
from core.gateway.answer import Answer, begin, loop_time
from core.gateway.catalogue import Catalogue, Listed, Route
from core.gateway.keys import Caller, Keys
from core.gateway.record import Record
from core.gateway.secrets import Secrets
from core.gateway.tokens import Lease
from core.gateway.upstreams import Upstream
from core.gateway.usage import Meter

ATTEMPTS = 3
LONGEST_WAIT = 5.0
LONGEST_PAUSE = 0.5
TIMER_SLACK = 0.01
"""An event loop may wake us this much too early."""

RESERVE = 2.0
"""What we leave of the platform's time for saying how it ended."""


class Gateway:
    """Everything between a parsed request and the events of its answer."""

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
        self._jitter = jitter

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

    def redact(self, text: str) -> str:
        """`text` without any of our secrets, or an upstream's address."""
        return redact(text, [*self._secrets.known(), *self._keys.known()])

    async def open(self, request: ChatRequest, record: Record, *, remaining: float | None = None) -> Answer:
        """The answer to `request`, past its commit point. `remaining` is what the platform still grants, in seconds.

        Raises `ChatError`: nothing has been said yet, so it can still become an honest status line.
        """
        record.model = request.model
        total = self.settings.total_timeout
        deadline = loop_time() + (total if remaining is None else min(total, remaining - RESERVE))
        routes = _capable(await self._catalogue.routes(request.model), request)
        routes.sort(key=lambda route: route.upstream.health.benched)
        failure: ChatError | None = None
        for position, route in enumerate(routes):
            try:
                return await self._try_route(route, request, record, deadline, last=position == len(routes) - 1)
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

    async def _try_route(
        self, route: Route, request: ChatRequest, record: Record, deadline: float, *, last: bool
    ) -> Answer:
        """Attempts on one route, with as many tokens as the budget allows. Raises the last failure."""
        upstream = route.upstream
        if verdict := upstream.health.verdict:
            raise verdict
        since = self._secrets.now()
        await upstream.load_tokens()
        failure: UpstreamError | None = None
        useless: list[Token] = []
        repeated = False
        while record.attempts < ATTEMPTS:
            lease = await self._take(route, useless, failure, patient=last and not repeated, deadline=deadline)
            try:
                return await self._attempt(route, lease, request, record, deadline)
            except UpstreamError as error:
                failure = error.with_traceback(None)  # which would keep all that this attempt had read
            if failure.retry in {Retry.NEVER, Retry.OTHER_ROUTE} or (failure.retry is Retry.SAME and repeated):
                break
            if failure.retry is Retry.SAME:
                repeated = True
                await asyncio.sleep(self._jitter() * LONGEST_PAUSE)
            elif failure.blame is Blame.DISABLE:
                await upstream.load_tokens(newer_than=since)
            elif failure.blame is Blame.NOTHING:
                useless.append(lease.token)
        assert failure is not None  # noqa: S101  # the loop ran at least once
        raise failure

    async def _take(
        self, route: Route, useless: list[Token], failure: UpstreamError | None, *, patient: bool, deadline: float
    ) -> Lease:
        """A token, after a short wait where that is the only way. Raises what best explains that there is none."""
        pool = route.upstream.pool
        while True:
            try:
                return pool.take(route.model, useless)
            except ChatError as error:
                wait = pool.wait(route.model)
                if not patient or wait is None or wait > min(LONGEST_WAIT, deadline - loop_time()):
                    raise _explained(failure, error) from None
            await asyncio.sleep(wait + TIMER_SLACK)
            patient = False

    async def _attempt(
        self, route: Route, lease: Lease, request: ChatRequest, record: Record, deadline: float
    ) -> Answer:
        upstream = route.upstream
        record.attempts += 1
        record.provider, record.upstream_model, record.token = upstream.name, route.model, lease.token.label
        started = loop_time()
        attempt = begin(route, lease, replace(request, model=route.model), deadline)
        try:
            head = await attempt.first(upstream.provider.first_event_timeout or self.settings.first_event_timeout)
        except BaseException as error:
            if isinstance(error, UpstreamError):
                attempt.failed(error, record)
            await attempt.close()
            raise
        lease.succeeded()
        record.first_event = loop_time() - started
        return Answer(attempt, head, Meter(request), record, self.settings.idle_timeout)


def _explained(failure: UpstreamError | None, exhausted: ChatError) -> ChatError:
    """Why there is no token: what the last one met with, and when there will be one again."""
    if failure is None:
        return exhausted
    if failure.status in {429, 503}:
        failure.retry_after = exhausted.retry_after or failure.retry_after
    return failure


def _capable(routes: list[Route], request: ChatRequest) -> list[Route]:
    """The routes that can carry the request. Raises `InvalidRequest` naming what the first of them cannot."""
    able = [route for route in routes if _lacking(route.upstream.provider.capabilities, request) is None]
    if not able:
        problem = _lacking(routes[0].upstream.provider.capabilities, request)
        assert problem is not None  # noqa: S101  # none is able
        raise problem
    return able


def _lacking(able: Capabilities, request: ChatRequest) -> InvalidRequest | None:
    if request.wants_tools and not able.tools:
        return _unsupported("tools", "tool calls", request)
    if request.parameters.get("logprobs") and not able.logprobs:
        return _unsupported("logprobs", "log probabilities", request)
    modalities = request.parameters.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities and not able.other_parts:
        return _unsupported("modalities", "audio", request)
    for kind, allowed, words in ((Image, able.images, "images"), (OtherPart, able.other_parts, "such content")):
        if not allowed and request.has_part(kind):
            return _unsupported("messages", words, request, code="unsupported_content")
    return None


def _unsupported(param: str, words: str, request: ChatRequest, code: str = "unsupported_parameter") -> InvalidRequest:
    return InvalidRequest(f"The model `{request.model}` takes no {words} here.", code=code, param=param)
