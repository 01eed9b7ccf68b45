"""`any2api models`: what a client can ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from core.app import build_gateway
from core.chat.errors import Unavailable
from core.chat.settings import Settings
from core.cli.stores import variables
from core.cli.terminal import plain
from core.gateway.catalogue import Listed
from core.gateway.gateway import Gateway

PATIENCE = 3.0


def run(settings: Settings) -> int:
    """Prints every model with the provider that answers first, and what it makes."""
    listed = asyncio.run(_listing(settings))
    if not listed:
        raise Unavailable("No provider lists a model now; name some in its `models`.")
    id_width = max(len(model.id) for model in listed)
    provider_width = max(len(model.provider) for model in listed)
    for model in listed:
        print(plain(f"{model.id:{id_width}}  {model.provider:{provider_width}}  {model.info.kind}"))
    return 0


async def first_model(settings: Settings, gateway: Gateway) -> str | None:
    """A model to begin with. Upstreams are asked only where the settings name none, and for a moment only."""
    named = [
        *settings.models,
        *(
            f"{provider.name}/{alias}"
            for provider in settings.providers.values()
            if not isinstance(provider.models, str)
            for alias in provider.models
            if "*" not in alias
        ),
    ]
    if named:
        return named[0]
    try:
        async with asyncio.timeout(PATIENCE):
            listed = await gateway.list_models()
    except TimeoutError:
        return None
    return listed[0].id if listed else None


async def _listing(settings: Settings) -> Sequence[Listed]:
    async with aclosing(build_gateway(settings, environment=variables())) as gateway:
        return await gateway.list_models()
