"""An answer that has begun: its events, metered, and what its end means for the token and the upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import cast

from core.chat.errors import ChatError, UpstreamError, UpstreamTruncated
from core.chat.events import Batch, Finish, Notice, StreamEvent
from core.chat.ports import ChatProvider, Token
from core.chat.requests import ChatRequest
from core.emulation import Emulation, emulated
from core.emulation.reasoning import LeadingThought
from core.gateway.catalogue import Route
from core.gateway.patience import Patience
from core.gateway.record import Record
from core.gateway.tokens import Lease
from core.gateway.usage import Meter

CLOSE_TIMEOUT = 5.0


@dataclass(slots=True)
class Attempt:
    """One try at one route with one token: the provider's stream, from its first event to its lawful end.

    `thought` looks at the beginning of a stream that nobody else changes, and is gone after it.
    """

    route: Route
    lease: Lease
    stream: AsyncGenerator[Batch]
    patience: Patience[Batch]
    emulation: Emulation
    thought: LeadingThought | None = None

    async def next(self, seconds: float) -> Batch | None:
        """The next events, None at the end. A provider's own bug is an upstream failure, told without its details."""
        try:
            batch = await self.patience.next(seconds)
        except ChatError:
            raise
        except Exception as error:  # a provider is code that others add: whatever it raises must end lawfully
            raise ProviderFailure(error) from error
        if self.thought is None or batch is None:
            return batch
        batch = self.thought.pass_on(batch)
        if self.thought.settled:
            self.thought = None
        return batch

    async def first(self, seconds: float) -> list[StreamEvent]:
        """All events up to the first meaningful one, which is the commit point and must come within `seconds`."""
        due = loop_time() + seconds
        head: list[StreamEvent] = []
        while (batch := await self.next(due - loop_time())) is not None:
            head += batch
            if any(not isinstance(event, Notice) for event in batch):
                break
        ended = next((event for event in head if not isinstance(event, Notice)), None)
        if ended is None or (isinstance(ended, Finish) and ended.reason == "stop" and ended.stop_sequence is None):
            raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        return head

    def failed(self, error: UpstreamError, record: Record) -> None:
        blame(error, self.route, self.lease, record)

    async def close(self) -> None:
        """Let go of timer, token and connection. What a provider does in its last moments changes nothing any more."""
        self.patience.stop()
        self.lease.dropped()
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.stream.aclose()


class Answer:
    """The events of an answer that reached its commit point. Iterate once; `aclose()` in any case.

    `notices` are the parameters that were left out, `emulated` those that we saw to ourselves, `provider` is the
    upstream's name.
    """

    def __init__(self, attempt: Attempt, head: list[StreamEvent], meter: Meter, record: Record, idle: float) -> None:
        self.provider = attempt.route.upstream.name
        self.emulated = attempt.emulation.names
        self.notices = [event.parameter for event in head if isinstance(event, Notice)]
        self._attempt = attempt
        self._head = head
        self._meter = meter
        self._record = record
        self._idle = idle
        self._events = self._read()

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self._events

    async def aclose(self) -> None:
        await self._events.aclose()
        await self._attempt.close()

    async def _read(self) -> AsyncGenerator[Batch]:
        attempt = self._attempt
        batch: Batch | None = self._head
        finish: Finish | None = None
        try:
            while batch is not None:
                passed = [self._meter.pass_on(event) for event in batch]
                self._record.events += len(passed)
                if passed and isinstance(passed[-1], Finish):
                    finish = passed[-1]
                    self._succeeded(finish)
                yield passed
                if finish is not None:
                    return
                batch = await attempt.next(self._idle)
            raise UpstreamTruncated
        except UpstreamError as error:
            self._record.error = error.code or ""
            attempt.failed(error, self._record)
            raise
        finally:
            if finish is None:
                self._record.usage = self._meter.estimate()
            await attempt.close()

    def _succeeded(self, finish: Finish) -> None:
        """Written when the end passes, since after the last byte the platform may freeze us."""
        self._record.finish, self._record.usage = finish.reason, finish.usage
        self._attempt.route.upstream.health.succeeded()


class ProviderFailure(UpstreamError):
    """A provider raised something that is no `UpstreamError`: a bug of ours, or an answer it did not foresee."""

    code = "provider_error"

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The provider could not make sense of this exchange ({type(cause).__name__}).")


def blame(error: UpstreamError, route: Route, lease: Lease, record: Record) -> None:
    """What a failure means for the token and the upstream, and for whoever reads the log."""
    lease.failed(error)
    route.upstream.health.failed(error)
    if error.code == "model_not_found":
        route.upstream.forget(route.model)
    if isinstance(error, ProviderFailure):
        record.cause = error.__cause__


def begin(
    route: Route, lease: Lease, request: ChatRequest, deadline: float, emulation: Emulation, idle: float
) -> Attempt:
    """An attempt of which nothing is read yet. `deadline` is a moment of the running loop's clock.

    What is emulated may take several exchanges and hold back what they bring, each event of which may take `idle`.
    """
    provider, token = route.upstream.provider, lease.token
    if not emulation.changes:
        stream = _asked(provider, request, token)
        thought = LeadingThought() if emulation.split_thought else None
        return Attempt(route, lease, stream, Patience(stream, deadline), emulation, thought)

    async def ask(asked: ChatRequest) -> AsyncGenerator[Batch]:
        async with aclosing(_asked(provider, asked, token)) as batches:
            async for batch in batches:
                patience.renew(idle)
                yield batch

    stream = emulated(ask, request, emulation)
    patience = Patience(stream, deadline)
    return Attempt(route, lease, stream, patience, emulation)


def _asked(provider: ChatProvider, request: ChatRequest, token: Token) -> AsyncGenerator[Batch]:
    if isasyncgenfunction(provider.stream):
        return cast("AsyncGenerator[Batch]", provider.stream(request, token))
    return _stream(provider, request, token)


async def _stream(provider: ChatProvider, request: ChatRequest, token: Token) -> AsyncGenerator[Batch]:
    """The same for a `stream()` that is no generator, and may raise before there is anything to read."""
    async for batch in provider.stream(request, token):
        yield batch


def loop_time() -> float:
    return asyncio.get_running_loop().time()
