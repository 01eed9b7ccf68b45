"""How an API asks for something that comes in one piece."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from starlette.requests import Request

from core.api.shared.hangup import Hangup, stopping
from core.api.shared.state import gateway_of, record_of, remaining_of
from core.gateway.tickets import Ticket
from core.gateway.work import Work

P = TypeVar("P")
T = TypeVar("T")


async def ask(
    request: Request, port: type[P], model: str, work: Work[P, T], *, once: bool = False, ticket: Ticket | None = None
) -> T:
    """What the gateway's `call` gives, unless the caller hangs up first."""
    record, remaining = record_of(request.scope), remaining_of(request.scope)
    async with Hangup(request.receive) as hangup:
        try:
            gateway = gateway_of(request)
            return await gateway.call(port, model, work, record, remaining=remaining, once=once, ticket=ticket)
        except asyncio.CancelledError:
            if hangup.gone:
                raise
            raise stopping() from None
