"""The gateway where the whole world can reach it and nobody tells it to start: for Google's and Vercel's handlers."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from core.api.shared.assembly import assemble_closed
from core.api.shared.state import grant
from core.app import create_app, set_up_logging
from core.chat.errors import ConfigError, Unavailable
from core.config import ENVIRONMENT, load, located

TIME_LIMIT = "ANY2API_TIME_LIMIT"

_LOG = logging.getLogger("any2api")


class PublicApp:
    """Makes the gateway at the first request, since what is imported may be forked before it serves.

    Where the settings are wrong, the log says what to do, and every request is answered with that it cannot be.
    `seconds` is what the platform grants each request, unless the variable ANY2API_TIME_LIMIT knows better;
    `size` is how many bytes of a streamed answer it lets through.
    """

    def __init__(self, seconds: float, size: float = math.inf, environment: Mapping[str, str] = os.environ) -> None:
        self._seconds = seconds
        self._size = size
        self._environment = environment
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # a server that asks for a lifespan, or a websocket, finds out that there is none
        if self._app is None:
            self._app = self._make()
        grant(scope, self._seconds, self._size)
        await self._app(scope, receive, send)

    def _make(self) -> ASGIApp:
        set_up_logging()
        try:
            settings = load(self._environment)
            self._seconds = self._granted()
            try:
                return create_app(settings, environment=self._environment, public=True)
            except ConfigError as error:
                raise located(error, settings.source) from None
        except ConfigError as error:
            _LOG.error("%s", error)  # it has the place in the file; a trace would say nothing more
            return assemble_closed(Unavailable("The settings of this gateway are wrong; its log says where."))

    def _granted(self) -> float:
        try:
            seconds = float(self._environment.get(TIME_LIMIT) or self._seconds)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            raise ConfigError("must be a number of seconds", path=TIME_LIMIT, source=ENVIRONMENT)
        return seconds
