"""Routes whose file is loaded when somebody first asks for one of them, so that a chat's cold start does not pay."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_CHOSEN = "any2api.route"


class Later(BaseRoute):
    """The routes of the router that `load` gives: all of those that begin with `prefix`, and no others."""

    def __init__(self, prefix: str, load: Callable[[], APIRouter]) -> None:
        self._prefix = prefix
        self._load = load

    @cached_property
    def router(self) -> APIRouter:
        return self._load()

    def covers(self, path: str) -> bool:
        return path == self._prefix or path.startswith(f"{self._prefix}/")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or not self.covers(scope["path"]):
            return Match.NONE, {}
        found = [(*route.matches(scope), route) for route in self.router.routes]
        match, child, route = max(found, key=lambda each: each[0].value)
        return match, {**child, _CHOSEN: route}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen: BaseRoute = scope[_CHOSEN]
        await chosen.handle(scope, receive, send)
