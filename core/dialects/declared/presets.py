"""The dialects that are described already: TOML files beside this one, each named by its dialect."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from core.chat.errors import ConfigError
from core.chat.options import Options
from core.chat.requests import Json
from core.dialects.declared.response import Response
from core.dialects.declared.response_reading import read_response
from core.dialects.declared.tables import merged

_FILES = files("core.dialects.declared") / "presets"


def names() -> list[str]:
    return sorted(file.name.removesuffix(".toml") for file in _FILES.iterdir() if file.name.endswith(".toml"))


def load(name: str) -> dict[str, dict[str, Json]]:
    """The tables `request` and `response` of a preset, with those of the one it extends. Raises `ConfigError`."""
    if name not in names():
        raise ConfigError(f"there is no preset {name!r}; there are {', '.join(names())}")
    preset = tomllib.loads((_FILES / f"{name}.toml").read_text("utf-8"))
    base = load(preset["extends"]) if "extends" in preset else {}
    return {key: merged(base.get(key, {}), preset.get(key, {})) for key in ("request", "response")}


def response(name: str) -> Response:
    """What an answer in this dialect means."""
    return read_response(Options(name, load(name)["response"]))
