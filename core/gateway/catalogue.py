"""Which upstreams can answer for a model's name, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.chat.errors import UnknownModel
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
            return [route for target in self._aliases[model] for route in self._named(target)]
        found = [
            *await self._explicit(model),
            *[route for upstream in self._upstreams.values() for route in await self._listed(upstream, model)],
        ]
        found = found or self._named(model) or await self._unlisted(model)
        if not found:
            raise UnknownModel(model)
        return list(dict.fromkeys(found))

    async def models(self) -> list[Listed]:
        """All models that can be asked for by name, each once."""
        listed: dict[str, Listed] = {}
        for alias, targets in self._aliases.items():
            provider, _, upstream_model = targets[0].partition("/")
            listed[alias] = Listed(alias, provider, ModelInfo(upstream_model))
        upstreams = list(self._upstreams.values())
        for upstream, models in zip(
            upstreams, await asyncio.gather(*[upstream.listed() for upstream in upstreams]), strict=True
        ):
            for name, info in (models or {}).items():
                listed.setdefault(name, Listed(name, upstream.name, info))
        return list(listed.values())

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

    async def _explicit(self, model: str) -> list[Route]:
        """`provider/id` where that provider is known to have the id."""
        name, _, rest = model.partition("/")
        upstream = self._upstreams.get(name)
        return await self._listed(upstream, rest) if upstream is not None and rest else []

    async def _listed(self, upstream: Upstream, model: str) -> list[Route]:
        if (configured := upstream.configured(model)) is not None:
            return [Route(upstream, configured)]
        known = await upstream.listed() if upstream.discovers else None
        return [Route(upstream, model)] if known and model in known else []

    async def _unlisted(self, model: str) -> list[Route]:
        """Upstreams that cannot tell what they have may have it."""
        return [
            Route(upstream, model)
            for upstream in self._upstreams.values()
            if upstream.discovers and await upstream.listed() is None
        ]
