"""How an API asks for something that comes in one piece."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from starlette.requests import Request

from core.api.shared.fields import invalid
from core.api.shared.hangup import Hangup, stopping
from core.api.shared.state import gateway_of, record_of, remaining_of
from core.chat.errors import Blame, UpstreamError
from core.chat.ports import ModelKind
from core.gateway.tickets import Ticket
from core.gateway.work import Work

P = TypeVar("P")
T = TypeVar("T")


async def ask(
    request: Request, port: type[P], model: str, work: Work[P, T], *, once: bool = False, ticket: Ticket | None = None
) -> T:
    """What the gateway's `call` gives, unless the caller hangs up first.

    `once`: what fails may have cost money all the same, so that neither we nor the caller's client try it twice.
    """
    record, remaining = record_of(request.scope), remaining_of(request.scope)
    async with Hangup(request.receive) as hangup:
        try:
            gateway = gateway_of(request)
            return await gateway.call(port, model, work, record, remaining=remaining, once=once, ticket=ticket)
        except asyncio.CancelledError:
            if hangup.gone:
                raise
            stopped = stopping()
            stopped.costly = once
            raise stopped from None
        except UpstreamError as error:
            error.costly = error.costly or (once and record.attempts > 0 and _may_have_cost(error))
            raise


def _may_have_cost(error: UpstreamError) -> bool:
    return error.reached and error.status >= 500 and error.blame is Blame.NOTHING


async def default_model(request: Request, kind: ModelKind) -> str:
    """The first model of that kind in our list, for requests that name none."""
    for listed in await gateway_of(request).list_models():
        if listed.info.kind == kind:
            return listed.id
    raise invalid("model", f"is missing, and no model of the kind {kind} is known here")
