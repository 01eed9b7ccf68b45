"""Which upstreams can answer for a model's name, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.chat.errors import UnknownModel
from core.chat.kinds import kind_by_name
from core.chat.ports import ModelInfo
from core.gateway.upstreams import Upstream


@dataclass(frozen=True, slots=True)
class Route:
    """An upstream, and its own id for the model."""

    upstream: Upstream
    model: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as the caller sees it; `provider` is the upstream that answers first."""

    id: str
    provider: str
    info: ModelInfo


class Catalogue:
    """`aliases` are the configuration's own names, each with its routes ("provider/model") in fallback order."""

    def __init__(self, upstreams: Mapping[str, Upstream], aliases: Mapping[str, Sequence[str]]) -> None:
        self._upstreams = upstreams
        self._aliases = aliases

    async def routes(self, model: str) -> list[Route]:
        """The routes for a name, in fallback order: an alias, `provider/id`, or an id that upstreams list.

        Raises `UnknownModel` where there is none.
        """
        if model in self._aliases:
            return [self._promised(target) for target in self._aliases[model]]
        await _discover(upstream for upstream in self._upstreams.values() if upstream.never_asked)
        found = self._known(model)
        if not found:
            await _discover(upstream for upstream in self._upstreams.values() if upstream.worth_asking)
            found = self._known(model) or self._named(model) or self._unlisted(model)
        if not found:
            raise UnknownModel(model)
        return found

    async def models(self) -> list[Listed]:
        """All models that can be asked for by name, each once."""
        await _discover(upstream for upstream in self._upstreams.values() if upstream.worth_asking)
        listed: dict[str, Listed] = {}
        for alias, targets in self._aliases.items():
            provider, _, model = targets[0].partition("/")
            known = (self._upstreams[provider].models or {}).get(model)
            listed[alias] = Listed(alias, provider, known or ModelInfo(model, kind=kind_by_name(model)))
        for upstream in self._upstreams.values():
            for name, info in (upstream.models or {}).items():
                listed.setdefault(name, Listed(name, upstream.name, info))
        return list(listed.values())

    def _promised(self, target: str) -> Route:
        """The route that an alias of the configuration names: whoever wrote it there knows that it leads somewhere."""
        name, _, model = target.partition("/")
        upstream = self._upstreams[name]
        return Route(upstream, upstream.configured(model) or model)

    def _named(self, target: str) -> list[Route]:
        """`provider/id` taken at its word, where the provider has no fixed list that denies it."""
        name, _, model = target.partition("/")
        upstream = self._upstreams.get(name)
        if upstream is None or not model:
            return []
        configured = upstream.configured(model)
        if configured is None and not upstream.discovers:
            return []
        return [Route(upstream, configured or model)]

    def _known(self, model: str) -> list[Route]:
        """The upstreams that are known to have it: the one that a name `provider/id` names goes first.

        Then the others count only if they list just that name: a pattern that matches everything is no invitation.
        """
        name, _, rest = model.partition("/")
        named = self._upstreams.get(name)
        first = _route(named, rest) if named is not None and rest else None
        others = [
            _route(upstream, model)
            for upstream in self._upstreams.values()
            if first is None or model in (upstream.models or {})
        ]
        return list(dict.fromkeys(route for route in (first, *others) if route is not None))

    def _unlisted(self, model: str) -> list[Route]:
        """Upstreams that cannot tell what they have may have it."""
        return [Route(upstream, model) for upstream in self._upstreams.values() if upstream.models is None]


def _route(upstream: Upstream, model: str) -> Route | None:
    if (configured := upstream.configured(model)) is not None:
        return Route(upstream, configured)
    return Route(upstream, model) if upstream.discovers and model in (upstream.models or {}) else None


async def _discover(upstreams: Iterable[Upstream]) -> None:
    """Ask all of them at once, so that they do not wait for each other."""
    if asking := [upstream.discover() for upstream in upstreams]:
        await asyncio.gather(*asking)
