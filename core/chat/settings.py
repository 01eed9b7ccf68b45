"""What a deployment is told: one value, read once, checked key by key. It names secrets and never holds one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from core.chat.options import Options
from core.chat.ports import SECRET
from core.chat.requests import Json
from core.chat.wildcards import ModelChoice

Models: TypeAlias = Literal["discover"] | Mapping[str, str]
"""Ask the upstream, or a fixed choice: a caller's name to the upstream's id. `claude-*` lets matching ids through."""

D = TypeVar("D")

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/\s]+")
_MEGABYTE = 1024 * 1024
OF_EVERY_PROVIDER = frozenset({"kind", "tokens", "models", "emulate_tools", "reasoning_in_content", "split_think_tags"})
"""What a provider's table may hold, whatever its kind; the provider itself never sees it."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """`[gateway]`. Durations are in seconds; `max_body_bytes` is written as `max_body_mb`."""

    keys: str = "secret://API_MASTER_KEY"
    cors_origins: tuple[str, ...] = ("*",)
    first_event_timeout: float = 30.0
    commit_after: float = 8.0
    idle_timeout: float = 60.0
    total_timeout: float = 290.0
    max_body_bytes: int = 4 * _MEGABYTE
    models_ttl: float = 600.0
    secrets_ttl: float = 60.0
    private_addresses: bool = False
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One `[providers.NAME]`. `table` is what the provider itself reads: all that does not stand here.

    `emulate_tools` is None where that depends on whether the provider takes tools.
    """

    name: str
    kind: str
    tokens: str | None = None
    models: Models = "discover"
    table: Mapping[str, Json] = field(default_factory=dict, repr=False)
    emulate_tools: ModelChoice | None = None
    reasoning_in_content: ModelChoice = False
    split_think_tags: ModelChoice = True


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole deployment. `source` is the file it was read from, or "environment".

    `secrets_url` and `state_url` may carry a password, so they are not shown.
    """

    gateway: GatewaySettings
    providers: Mapping[str, ProviderSettings]
    models: Mapping[str, tuple[str, ...]]
    secrets_url: str = field(default="env://", repr=False)
    state_url: str = field(default="memory://", repr=False)
    source: str = ""


def read_settings(
    document: Mapping[str, Json], *, secrets_url: str = "env://", state_url: str = "memory://", source: str = ""
) -> Settings:
    """The settings in a parsed configuration file. Raises `ConfigError` for the first thing wrong with it."""
    root = Options("", document)
    gateway, providers, models = root.options("gateway"), root.mapping("providers"), root.mapping("models")
    root.done()
    if not providers:
        raise root.error("providers", 'are missing; for a first try: [providers.demo] with kind = "demo"')
    return Settings(
        gateway=_gateway(gateway),
        providers={name: _provider(name, root) for name in providers},
        models={name: _routes(name, Options("models", models), providers) for name in models},
        secrets_url=secrets_url,
        state_url=state_url,
        source=source,
    )


def _gateway(options: Options) -> GatewaySettings:
    default = GatewaySettings()
    settings = GatewaySettings(
        keys=_secret(options, "keys") or default.keys,
        cors_origins=_origins(options, default.cors_origins),
        first_event_timeout=options.number("first_event_timeout", default.first_event_timeout, least=0.01),
        commit_after=options.number("commit_after", default.commit_after),
        idle_timeout=options.number("idle_timeout", default.idle_timeout, least=0.01),
        total_timeout=options.number("total_timeout", default.total_timeout, least=0.01),
        max_body_bytes=int(options.number("max_body_mb", default.max_body_bytes / _MEGABYTE, least=0.001) * _MEGABYTE),
        models_ttl=options.number("models_ttl", default.models_ttl),
        secrets_ttl=options.number("secrets_ttl", default.secrets_ttl),
        private_addresses=options.flag("private_addresses", default.private_addresses),
        public_url=_public_url(options),
    )
    options.done()
    return settings


def _public_url(options: Options) -> str:
    """Without the slash at its end."""
    url = options.text("public_url", "").rstrip("/")
    if url and (not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url) or url.endswith("/v1")):
        raise options.error("public_url", "must be an address like https://ai.example.com, without the /v1 of the API")
    return url


def _origins(options: Options, default: tuple[str, ...]) -> tuple[str, ...]:
    origins = options.strings("cors_origins", default)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise options.error("cors_origins", f'must be "*" or origins like https://chat.example.com, not {origin!r}')
    return origins


def _provider(name: str, root: Options) -> ProviderSettings:
    providers = Options("providers", root.mapping("providers"))
    if not _NAME.fullmatch(name):
        raise providers.error(name, "a provider's name has letters, digits, - and _ only")
    options = providers.options(name)
    kind = options.text("kind")
    if not _KIND.fullmatch(kind):
        raise options.error("kind", "must be the name of a kind, such as openai or declared")
    return ProviderSettings(
        name=name,
        kind=kind,
        tokens=_secret(options, "tokens"),
        models=_models(options),
        emulate_tools=_choice(options, "emulate_tools", None),
        reasoning_in_content=_choice(options, "reasoning_in_content", False),
        split_think_tags=_choice(options, "split_think_tags", True),
        table={key: value for key, value in providers.mapping(name).items() if key not in OF_EVERY_PROVIDER},
    )


def _secret(options: Options, key: str) -> str | None:
    """A setting that may only name a secret; its value is never repeated in an error."""
    value = options.raw(key)
    if key not in options:
        return None
    if not isinstance(value, str) or not SECRET.fullmatch(value):
        raise options.error(
            key, "a secret does not belong in this file; write one secret://NAME here and put the value under that NAME"
        )
    return value


def _choice(options: Options, key: str, default: D) -> ModelChoice | D:
    value = options.raw(key)
    if key not in options:
        return default
    if isinstance(value, bool):
        return value
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise options.error(key, 'must be true, false, or a list of models such as ["llama3*"]')
    return tuple(value)


def _models(options: Options) -> Models:
    value = options.raw("models")
    if "models" not in options or value == "discover":
        return "discover"
    if isinstance(value, list):
        value = {model: model for model in options.strings("models")}
    elif not isinstance(value, dict):
        raise options.error("models", 'must be "discover", a list of ids, or a table of alias = "upstream id"')
    if not value:
        raise options.error("models", 'names no model; leave it out, or write "discover", to ask the upstream')
    for alias, model in value.items():
        _check_alias(options, alias, model)
    return value


def _check_alias(options: Options, alias: str, model: Json) -> None:
    if not isinstance(model, str) or not model or not alias:
        raise options.error(f"models.{alias}", "must be the upstream's id, a string")
    if "*" in alias + model and alias != model:
        raise options.error(f"models.{alias}", "a pattern passes ids through as they are; it cannot rename them")


def _routes(name: str, options: Options, providers: Mapping[str, Json]) -> tuple[str, ...]:
    routes = options.strings(name)
    if not routes:
        raise options.error(name, 'names no route; write ["provider/model"]')
    if "*" in name + "".join(routes):
        raise options.error(name, "a pattern belongs into the models of a provider")
    for route in routes:
        provider, _, model = route.partition("/")
        if provider not in providers or not model:
            known = ", ".join(sorted(providers))
            raise options.error(name, f'"{route}" is not provider/model with one of these providers: {known}')
    return routes
