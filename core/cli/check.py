"""`any2api check`: what is wrong with the settings, before anybody calls."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

from core.app import build_providers
from core.chat.errors import ConfigError, Unavailable
from core.chat.settings import Settings
from core.cli.stores import open_store
from core.config import is_weak, located
from core.gateway.secrets import secret_names, split_secret
from core.wire.client import HttpClient


def run(settings: Settings) -> int:
    """Prints a summary and 0, or every mistake as `file:line: path: problem` and 1."""
    if not are_in_order(settings):
        return 1
    values = asyncio.run(_values(settings))
    print(f"{settings.source} is in order.")
    for line in _summary(settings, values):
        print(f"  {line}")
    for warning in _warnings(settings, values):
        print(f"warning: {warning}", file=sys.stderr)
    return 0


def are_in_order(settings: Settings) -> bool:
    """Whether every provider can be made from its table; prints why not."""
    mistakes = [error for name in settings.providers if (error := _mistake(settings, name))]
    for error in mistakes:
        print(located(error, settings.source), file=sys.stderr)
    return not mistakes


def _mistake(settings: Settings, name: str) -> ConfigError | None:
    """What one provider says against its own table."""
    try:
        build_providers(replace(settings, providers={name: settings.providers[name]}), HttpClient())
    except ConfigError as error:
        return error
    return None


async def _values(settings: Settings) -> Mapping[str, str]:
    """The secrets that are set, all of them for nothing but to be counted."""
    try:
        async with open_store(settings.secrets_url) as store:
            return await store.fetch([*named_secrets(settings)])
    except Unavailable as error:
        print(f"warning: {error}", file=sys.stderr)
        return {}


def named_secrets(settings: Settings) -> dict[str, str]:
    """Every secret that the settings name, with the setting that names it."""
    named = dict.fromkeys(secret_names(settings.gateway.keys), "gateway.keys")
    for provider in settings.providers.values():
        names = secret_names([provider.tokens, provider.table])
        named |= dict.fromkeys(names, f"providers.{provider.name}")
    return named


def _summary(settings: Settings, values: Mapping[str, str]) -> Iterator[str]:
    for provider in settings.providers.values():
        models = provider.models if isinstance(provider.models, str) else ", ".join(provider.models)
        tokens = "none" if provider.tokens is None else str(len(_credentials(provider.tokens, values)))
        yield f"{provider.name} ({provider.kind}); tokens: {tokens}; models: {models}"
    for name, routes in settings.models.items():
        yield f"{name} -> {', '.join(routes)}"


def _warnings(settings: Settings, values: Mapping[str, str]) -> Iterator[str]:
    for name, setting in named_secrets(settings).items():
        if name not in values:
            yield f"the secret {name}, named by {setting}, is not set"
    if any(map(is_weak, _credentials(settings.gateway.keys, values))):
        yield "a key of the callers can be guessed; no address but this machine's own will be served with it"


def _credentials(setting: str, values: Mapping[str, str]) -> list[str]:
    return [part for name in secret_names(setting) for part in split_secret(values.get(name, ""))]
