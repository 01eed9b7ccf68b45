"""The composition root: the only file that knows every part."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from core.api import chat_completions, completions, health, messages, models, responses
from core.api.shared.access import authorize
from core.api.shared.assembly import assemble
from core.api.shared.later import Later
from core.api.shared.log import JsonLines, Words
from core.api.shared.state import gateway_of
from core.chat.errors import ConfigError
from core.chat.options import Options
from core.chat.ports import ChatProvider, SecretStore
from core.chat.settings import OF_EVERY_PROVIDER, Settings
from core.cockpit import api as cockpit
from core.cockpit import page
from core.config import is_weak
from core.gateway.gateway import Gateway
from core.gateway.keys import Keys
from core.gateway.secrets import Secrets, secret_names
from core.gateway.upstreams import Upstream
from core.wire.client import HttpClient

if TYPE_CHECKING:  # FastAPI may only be loaded by `core.api`, which tells it first what not to build
    from fastapi import APIRouter

ROUTERS = (
    chat_completions.router,
    completions.router,
    responses.router,
    messages.router,
    models.router,
    health.router,
    page.router,
    cockpit.router(authorize, gateway_of),
)
"""What is exposed. A new API is a file in `core/api` and its name here, or below."""

LATER = {
    "/v1/embeddings": "embeddings",
    "/v1/images/generations": "images",
    "/v1/audio/speech": "speech",
    "/v1/audio/transcriptions": "transcriptions",
    "/v1/videos": "videos",
}
"""What is exposed as well, by the path that all its routes begin with. Its file is loaded when first asked for."""


def create_app(
    settings: Settings,
    *,
    keys: str | None = None,
    environment: Mapping[str, str] = os.environ,
    public: bool = False,
) -> ASGIApp:
    """The whole gateway as an ASGI application. `keys` are used instead of the configured ones.

    `public`: the whole world can reach it, so that it refuses all requests while a key can be guessed.
    """
    gateway = build_gateway(settings, keys=keys, environment=environment, public=public)
    later = [Later(path, partial(load_router, name)) for path, name in LATER.items()]
    return assemble(gateway, ROUTERS, later, settings.gateway.cors_origins)


def build_gateway(
    settings: Settings,
    *,
    keys: str | None = None,
    environment: Mapping[str, str] = os.environ,
    public: bool = False,
) -> Gateway:
    """The road and all that stands along it."""
    named = [settings.gateway.keys] + [provider.tokens for provider in settings.providers.values()]
    names = secret_names([*named, *(provider.table for provider in settings.providers.values())])
    http = HttpClient(private_addresses=settings.gateway.private_addresses)
    store = load_store(settings.secrets_url, environment, http)
    secrets = Secrets(store, list(dict.fromkeys(names)), settings.gateway.secrets_ttl)
    providers = build_providers(settings, http)
    upstreams = {
        name: Upstream(settings.providers[name], provider, secrets, settings.gateway.models_ttl)
        for name, provider in providers.items()
    }
    caller_keys = Keys(keys or settings.gateway.keys, secrets, is_weak if public else None)
    return Gateway(settings.gateway, upstreams, settings.models, caller_keys, secrets, http)


def build_providers(settings: Settings, http: HttpClient) -> dict[str, ChatProvider]:
    """A provider for each block of the configuration. Raises `ConfigError` for the first wrong setting."""
    return {
        name: _load("core.providers", provider.kind, f"providers.{name}.kind").Provider(
            Options(f"providers.{name}", provider.table, OF_EVERY_PROVIDER), http
        )
        for name, provider in settings.providers.items()
    }


def load_store(url: str, environment: Mapping[str, str], http: HttpClient) -> SecretStore:
    """The secret store that a URL names by its scheme."""
    scheme = url.partition("://")[0].replace("-", "_")
    store: SecretStore = _load("core.stores", scheme, "SECRETS_URL").Secrets(url, environment, http)
    return store


def load_router(name: str) -> APIRouter:
    """The routes of an API's file."""
    router: APIRouter = _load("core.api", name, "LATER").router
    return router


def set_up_logging() -> None:
    """Log lines on standard error: words on a terminal, JSON elsewhere."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Words() if sys.stderr.isatty() else JsonLines())
    log = logging.getLogger("any2api")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # what is wrong with a form, its sender is told
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == log.name]:
        logging.getLogger(
            name
        ).disabled = False  # a host that configures logging, as Google's does, turns all others off


def _load(room: str, name: str, setting: str) -> ModuleType:
    """The one loader: providers, stores and rarer APIs are found by the name of their file."""
    try:
        return importlib.import_module(f"{room}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{room}.{name}":
            raise
        raise ConfigError(f"there is no {name!r} in {room}", path=setting) from None
