"""`GET /api/…`: what the cockpit shows, for scripts as well. It takes the same keys as `/v1`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.chat.requests import Json
from core.cockpit import reports
from core.cockpit.place import place
from core.gateway.gateway import Gateway

Authorize: TypeAlias = Callable[[Request], Awaitable[None]]
GatewayOf: TypeAlias = Callable[[Request], Gateway]


def router(authorize: Authorize, gateway_of: GatewayOf) -> APIRouter:
    """The routes. `authorize` raises for a request without a valid key."""
    routes = APIRouter(prefix="/api")

    @routes.api_route("/status", methods=["GET", "HEAD"])
    async def status(request: Request) -> Response:
        await authorize(request)
        gateway = gateway_of(request)
        url = gateway.settings.public_url
        return _json(reports.status(gateway.activity, place(os.environ), url, time.time()))

    @routes.api_route("/providers", methods=["GET", "HEAD"])
    async def providers(request: Request) -> Response:
        await authorize(request)
        return _json({"data": await reports.providers(gateway_of(request))})

    @routes.api_route("/credit", methods=["GET", "HEAD"])
    async def credit(request: Request) -> Response:
        await authorize(request)
        return _json({"data": await reports.credit(gateway_of(request))})

    @routes.api_route("/models", methods=["GET", "HEAD"])
    async def models(request: Request) -> Response:
        await authorize(request)
        return _json({"data": await reports.models(gateway_of(request))})

    @routes.api_route("/activity", methods=["GET", "HEAD"])
    async def activity(request: Request) -> Response:
        await authorize(request)
        gateway = gateway_of(request)
        return _json({"data": reports.requests(gateway.activity.newest_first(), gateway.redact)})

    return routes


def _json(body: Json) -> Response:
    """In ASCII, since the name of a model may hold halves of characters."""
    return Response(json.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"})
