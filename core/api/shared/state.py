"""What the app keeps, and what one request carries along from the front door to its reply."""

from __future__ import annotations

import math
from typing import cast

from starlette.requests import Request
from starlette.types import Scope

from core.api.shared.guesses import Guesses
from core.gateway.gateway import Gateway
from core.gateway.record import Record

_RECORD = "any2api.record"
_REMAINING = "any2api.remaining"
_ROOM = "any2api.room"


def gateway_of(request: Request) -> Gateway:
    return cast(Gateway, request.app.state.gateway)


def guesses_of(request: Request) -> Guesses:
    return cast(Guesses, request.app.state.guesses)


def start_record(scope: Scope) -> Record:
    record = scope[_RECORD] = Record()
    return record


def record_of(scope: Scope) -> Record:
    return cast(Record, scope[_RECORD])


def grant(scope: Scope, seconds: float, size: float = math.inf) -> None:
    """For a platform's handler: how many seconds there are for this request, and bytes for a streamed answer."""
    scope[_REMAINING], scope[_ROOM] = seconds, size


def remaining_of(scope: Scope) -> float | None:
    """Seconds that the platform still grants, where its handler says so; never anything a caller sent."""
    return cast("float | None", scope.get(_REMAINING))


def room_of(scope: Scope) -> float:
    """Bytes that a streamed answer may have."""
    return cast(float, scope.get(_ROOM, math.inf))
