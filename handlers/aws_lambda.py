"""The gateway as an AWS Lambda function.

Two ways to run it, chosen by the function's handler setting:

- `handlers.aws_lambda.stream`: answers are streamed, for a function URL with `RESPONSE_STREAM` and for a REST API of
  API Gateway with response streaming. AWS's runtime for Python cannot do this, so ours takes its place: set
  `AWS_LAMBDA_EXEC_WRAPPER` to `/var/task/handlers/aws/any2api_runtime`, an executable file in the zip.
- `handlers.aws_lambda.handler`: each answer is held back until it is whole, for every other API Gateway. This is
  Mangum on AWS's own runtime; it needs no wrapper.

The settings are those of `any2api.toml` at the root of the zip, or of the environment. Whoever calls is known by the
key in the headers alone: what an event says in `requestContext` is believed for nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from mangum import Mangum
from mangum.types import ASGI
from starlette.types import ASGIApp, Receive, Scope, Send

from core.api.shared.state import grant
from core.app import create_app
from core.chat.errors import ConfigError
from core.config import load, located
from handlers.aws.asgi import http_request
from handlers.aws.observability import Observed
from handlers.aws.runtime import serve
from handlers.aws.runtime_api import RuntimeApi
from handlers.aws.whole import ROOM, Whole

STREAMED = 199_000_000
"""Bytes: Lambda cuts a streamed answer off at 200 MB."""


def run(api: RuntimeApi) -> None:
    """Stream answers until Lambda ends the sandbox. Started by `any2api_runtime`."""
    serve(api, build)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A whole answer to an event of API Gateway or a function URL. Anything else is acknowledged, and does nothing."""
    mangum = _buffered()
    if http_request(mangum, event, context) is None:
        return {"ok": True}
    return mangum(event, context)


def build(environment: Mapping[str, str] = os.environ, room: int = STREAMED) -> ASGI:
    """The whole gateway, observed, with the platform's limits. Raises `ConfigError` with file and line.

    `room` is how many bytes an answer may have that is read while it arrives.
    """
    settings = load(environment)
    try:
        app = create_app(settings, public=True, environment=environment)
    except ConfigError as error:
        raise located(error, settings.source) from None
    return Granted(Observed(app), room)


class Granted:
    """Tells the app how much of the function's time is left, Lambda's word and never a caller's, and how much room."""

    def __init__(self, app: ASGIApp, room: int) -> None:
        self._app = app
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant(scope, scope["aws.context"].get_remaining_time_in_millis() / 1000, self._room)
        await self._app(scope, receive, send)


@cache
def _buffered() -> Mangum:
    asyncio.set_event_loop(asyncio.new_event_loop())
    return Mangum(Whole(build(room=ROOM)), lifespan="off")
