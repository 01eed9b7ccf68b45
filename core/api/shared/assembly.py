"""The APIs as one ASGI application, with an answer to whatever fails in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.api.shared.errors import ErrorObject, OwnErrors, error_object, error_response, redact_error
from core.api.shared.front import Front
from core.api.shared.guesses import Guesses
from core.api.shared.later import Later
from core.api.shared.state import gateway_of, record_of
from core.chat.errors import ChatError
from core.chat.redact import redact
from core.gateway.activity import Activity
from core.gateway.gateway import Gateway

_LONGEST_PARAM = 64


def assemble(gateway: Gateway, routers: Iterable[APIRouter], later: Iterable[Later], origins: Sequence[str]) -> ASGIApp:
    """`routers` in front of `gateway`, and those that are only loaded `later`. Pages from `origins` may read us."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.gateway = gateway
    app.state.guesses = Guesses()
    app.state.routers = routers = tuple(routers)
    app.state.later = later = tuple(later)
    app.add_exception_handler(ChatError, _refusal)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_exception_handler(Exception, _bug)
    for router in routers:
        app.include_router(router)
    app.router.routes.extend(later)
    return Front(app, origins, gateway.redact, gateway.activity)


def assemble_closed(error: ChatError) -> ASGIApp:
    """What stands where no gateway can be: `error` is the answer to every request."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        record_of(scope).error = error.code or ""
        await error_response(error)(scope, receive, send)

    return Front(refuse, ["*"], redact, Activity())


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, ChatError)  # noqa: S101  # registered for nothing else
    redact_error(error, gateway_of(request).redact)
    record = record_of(request.scope)
    record.error = record.error or error.code or (f"invalid {error.param[:_LONGEST_PARAM]}" if error.param else "")
    return error_response(error, form=_form(request))


async def _not_routed(request: Request, error: Exception) -> Response:
    """What the router itself refuses: an unknown path, or a method that a path does not have."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for nothing else
    message, code = {
        404: ("Unknown request URL.", "unknown_url"),
        405: ("This method is not allowed here.", "method_not_allowed"),
    }.get(error.status_code, (error.detail, None))
    record_of(request.scope).error = code or ""
    refusal = ChatError(message, status=error.status_code, type="invalid_request_error", code=code)
    return error_response(refusal, {"Allow": _allowed(request)} if error.status_code == 405 else {}, _form(request))


def _allowed(request: Request) -> str:
    """The methods of this path, whichever router has them."""
    methods = [route.methods for route in _routes(request)]
    return ", ".join(sorted(set().union(*filter(None, methods))))


def _form(request: Request) -> ErrorObject:
    """The form that errors have on this path: the own one of the API that it belongs to, or OpenAI's."""
    owners = (router for router in request.app.state.routers if isinstance(router, OwnErrors))
    path = request.scope["path"]
    return next((owner.error_object for owner in owners if owner.owns(path)), error_object)


def _routes(request: Request) -> Iterator[Route]:
    """The routes of this path, whatever their methods."""
    path, state = request.scope["path"], request.app.state
    for router in [*state.routers, *(later.router for later in state.later if later.covers(path))]:
        for route in router.routes:
            if isinstance(route, Route) and route.path_regex.match(path):
                yield route


async def _bug(request: Request, _: Exception) -> Response:
    record_of(request.scope).error = "internal_error"
    error = ChatError("Something went wrong here; the log has it under this request's id.")
    return error_response(error, form=_form(request))
