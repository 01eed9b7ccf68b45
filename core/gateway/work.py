"""One attempt at anything but a chat: done when there is a result, or read while it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from typing import NamedTuple, TypeAlias, TypeVar, cast

from core.chat.errors import Blame, ChatError, Retry, UpstreamBadResponse, UpstreamError, UpstreamTimeout
from core.chat.media import Media
from core.chat.ports import Token
from core.gateway.answer import ProviderFailure, blame, loop_time
from core.gateway.catalogue import Route
from core.gateway.patience import Patience
from core.gateway.record import Record
from core.gateway.tokens import Lease

P = TypeVar("P")
T = TypeVar("T")

Work: TypeAlias = Callable[[P, str, Token], Awaitable[T]]
"""What is wanted of a provider that has a port, given the upstream's id of the model, and a token."""

Block: TypeAlias = Callable[[P, str, Token], AbstractAsyncContextManager[Media]]
"""The same for what is read while it arrives."""


async def perform(work: Work[P, T], record: Record, deadline: float, once: bool, route: Route, lease: Lease) -> T:
    """The result of `work`. `once`: do not try again what may have been done already."""
    with _judged(route, lease, record, once=once):
        async with asyncio.timeout_at(deadline):
            result = await work(cast("P", route.upstream.provider), route.model, lease.token)
    route.upstream.health.succeeded()
    return result


async def hold(block: Block[P], record: Record, deadline: float, route: Route, lease: Lease) -> Held:
    """What `block` gives, which is open until it was read."""
    stack = AsyncExitStack()
    with _judged(route, lease, record):
        async with asyncio.timeout_at(deadline):
            media = await stack.enter_async_context(block(cast("P", route.upstream.provider), route.model, lease.token))
    return Held(route, lease, stack, media)


class Held(NamedTuple):
    """Bytes that are still arriving, and what is to be closed after them."""

    route: Route
    lease: Lease
    stack: AsyncExitStack
    media: Media

    @asynccontextmanager
    async def reading(self, record: Record, idle: float, deadline: float) -> AsyncIterator[Media]:
        """Within the block it can be read, under two clocks (see `Patience`)."""
        patience = Patience(self.media.chunks, deadline)
        async with self.stack:
            try:
                yield self.media._replace(chunks=_chunks(patience, idle))
            except UpstreamError as error:
                blame(error, self.route, self.lease, record)
                record.error = error.code or ""
                raise
            else:
                self.route.upstream.health.succeeded()
            finally:
                patience.stop()


async def _chunks(patience: Patience[bytes], idle: float) -> AsyncGenerator[bytes]:
    try:
        while (chunk := await patience.next(idle)) is not None:
            yield chunk
    except ChatError:
        raise
    except Exception as error:  # a provider is code that others add: whatever it raises must end lawfully
        raise ProviderFailure(error) from error


@contextmanager
def _judged(route: Route, lease: Lease, record: Record, *, once: bool = False) -> Iterator[None]:
    """Tells token and upstream how it went inside. Raises `ChatError` for whatever was raised there."""
    started = loop_time()
    try:
        yield
    except UpstreamError as error:
        _blame(error, route, lease, record, once)
        raise
    except TimeoutError:
        late = UpstreamTimeout("The time for this answer is over.", code="deadline_exceeded", retry=Retry.NEVER)
        _blame(late, route, lease, record, once)
        raise late from None
    except ChatError:
        lease.dropped()  # the caller's fault: the upstream may not even have been asked
        raise
    except Exception as error:  # a provider is code that others add: whatever it raises must end lawfully
        failure = ProviderFailure(error)
        failure.__cause__ = error
        _blame(failure, route, lease, record, once)
        raise failure from error
    except BaseException:
        lease.dropped()
        raise
    lease.succeeded()
    record.first_event = loop_time() - started


def _blame(error: UpstreamError, route: Route, lease: Lease, record: Record, once: bool) -> None:
    blame(error, route, lease, record)
    if once and _may_have_begun(error):
        error.retry = Retry.NEVER


def _may_have_begun(error: UpstreamError) -> bool:
    """A refusal names a better token or route; an answer that cannot be read may have been a good one."""
    is_refusal = error.blame is not Blame.NOTHING or error.retry is not Retry.SAME
    return error.reached and (not is_refusal or isinstance(error, UpstreamTimeout | UpstreamBadResponse))
