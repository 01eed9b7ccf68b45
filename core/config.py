"""Where the settings come from: a TOML file, or the environment alone; and where in the file a mistake stands."""

from __future__ import annotations

import bisect
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from core.chat.errors import ConfigError
from core.chat.ports import SECRET, SECRET_SCHEME
from core.chat.requests import Json
from core.chat.settings import Settings, read_settings

DEFAULT_FILE = "any2api.toml"
ENVIRONMENT = "environment"
URLS: Final[Mapping[str, str]] = {"SECRETS_URL": "env://", "STATE_URL": "memory://"}
"""The variables that say where secrets and state are kept, with their defaults."""

_STORE_URL = re.compile(r"[a-z][a-z0-9-]*://.*")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

_KNOWN_SECRET = re.compile(
    r"""\b(?:sk|pk|rk)-(?=[\w-]*\d)[\w-]{16,}                                         # OpenAI and its like
      | \beyJ[\w-]{8,}\.[\w-]{8,}\.                                                   # JWT
      | \b(?:gh[opsru]_|github_pat_|glpat-|xox[abprs]-|hf_|gsk_|r8_|AIza|AKIA|ya29\.)[\w-]{12,}
      | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY
      | ://[^/\s:@]*:[^/\s@]+@                                                        # a password in a URL
      | [?&](?:api[_-]?key|key|(?:access_)?token)=[^&\s]{8,}                          # or a key
    """,
    re.VERBOSE,
)
_NAME_OF_SECRET = re.compile(
    r"(?:proxy-)?authorization|(?:set-)?cookies?|password|(?:x-)?api[-_]?key|(?:auth|access|bearer)[-_]?token",
    re.IGNORECASE,
)
_NAME_LIKE_SECRET = re.compile(r"token|key|secret|passw|authorization|cookie|credential|bearer", re.IGNORECASE)
_RANDOM = re.compile(r"(?=[\w+=~-]*[A-Za-z])(?=[\w+=~-]*\d)[\w+=~-]{16,}")


def load(environment: Mapping[str, str], path: str | None = None) -> Settings:
    """The settings in the file at `path`, else ANY2API_CONFIG, else ./any2api.toml, else in the environment alone.

    Raises `ConfigError` with file and line.
    """
    urls = {name.lower(): _store_url(environment, name, default) for name, default in URLS.items()}
    source = path or environment.get("ANY2API_CONFIG") or (DEFAULT_FILE if Path(DEFAULT_FILE).is_file() else None)
    if source is None:
        return read_settings(from_environment(environment), source=ENVIRONMENT, **urls)
    text = _text(source)
    document = _parse(text, source)
    try:
        _refuse_secrets(document)
        return read_settings(document, source=source, **urls)
    except ConfigError as error:
        raise ConfigError(error.message, path=error.path, line=line_of(text, error.path), source=source) from None


def located(error: ConfigError, source: str) -> ConfigError:
    """`error` with its place in `source`, for what was found only after the settings had been read."""
    if error.source:
        return error
    if source == ENVIRONMENT or error.path in URLS:
        return ConfigError(error.message, path=error.path, source=ENVIRONMENT)
    line = line_of(_text(source), error.path)
    return ConfigError(error.message, path=error.path, line=line, source=source)


def from_environment(environment: Mapping[str, str]) -> dict[str, Json]:
    """What a file would say that does what these variables ask for; with none of them, the demo."""
    document: dict[str, Json] = {}
    if timeout := _first(environment, "REQUEST_TIMEOUT", "API_REQUEST_TIMEOUT"):
        document["gateway"] = {"total_timeout": _seconds(*timeout)}
    providers = {
        "puter": _puter(environment),
        "openai": _openai(environment),
        "gptanon": _gptanon(environment),
        "flowgpt": _flowgpt(environment),
    }
    document["providers"] = {name: {"kind": name, **table} for name, table in providers.items() if table}
    document["providers"] = document["providers"] or {"demo": {"kind": "demo"}}
    return document


def _puter(environment: Mapping[str, str]) -> dict[str, Json]:
    return {"tokens": "secret://PUTER_AUTH_TOKENS"} if _first(environment, "PUTER_AUTH_TOKENS") else {}


def _openai(environment: Mapping[str, str]) -> dict[str, Json]:
    if not _first(environment, "OPENAI_API_KEY"):
        return {}
    return {"tokens": "secret://OPENAI_API_KEY"} | _given(environment, base_url="OPENAI_BASE_URL")


def _gptanon(environment: Mapping[str, str]) -> dict[str, Json]:
    if not _first(environment, "UPSTREAM_URL"):
        return {}
    return _given(environment, url="UPSTREAM_URL", origin="UPSTREAM_ORIGIN")


def _flowgpt(environment: Mapping[str, str]) -> dict[str, Json]:
    wanted = ("FLOWGPT_BEARER_TOKEN", "FLOWGPT_DEVICE_ID")
    missing = [name for name in wanted if not _first(environment, name)]
    if len(missing) == 2:
        return {}
    if missing:
        raise ConfigError(f"is not set; {' and '.join(wanted)} go together", path=missing[0], source=ENVIRONMENT)
    return {"tokens": "secret://FLOWGPT_BEARER_TOKEN", "device_id": "secret://FLOWGPT_DEVICE_ID"}


def _given(environment: Mapping[str, str], **variables: str) -> dict[str, Json]:
    return {key: found[1] for key, name in variables.items() if (found := _first(environment, name))}


def _first(environment: Mapping[str, str], *names: str) -> tuple[str, str] | None:
    """The first of these variables that is set to something, with its value."""
    return next(((name, value) for name in names if (value := environment.get(name, "").strip())), None)


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError("must be a number of seconds", path=name, source=ENVIRONMENT)
    return seconds


def _store_url(environment: Mapping[str, str], name: str, default: str) -> str:
    url = environment.get(name) or default
    if not _STORE_URL.fullmatch(url):
        raise ConfigError(f"must be a URL such as {default}", path=name, source=ENVIRONMENT)
    return url


def _text(source: str) -> str:
    try:
        return Path(source).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", source=source) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8", line=line, source=source) from None


def _parse(text: str, source: str) -> dict[str, Json]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        raise ConfigError(_TOML_PLACE.sub("", str(error)), line=line, source=source) from None


def line_of(text: str, path: str) -> int | None:
    """The line where the setting at the dotted `path` begins, or else the nearest table around it."""
    lines = text.split("\n")

    def found(count: int) -> int:
        """How much of `path` the first `count` lines bring, and those that finish what they began."""
        try:
            return _reach(tomllib.loads("\n".join(lines[:count])), path)
        except tomllib.TOMLDecodeError:
            return found(count + 1)

    whole = _reach(tomllib.loads(text), path)
    return bisect.bisect_left(range(len(lines) + 1), whole, key=found) if whole else None


def _reach(value: Json, path: str) -> int:
    """How many characters of the dotted `path` lead somewhere in `value`; keys may hold dots themselves."""
    if isinstance(value, list):
        value = {str(place): item for place, item in enumerate(value)}
    if not isinstance(value, dict):
        return 0
    steps = ((key, item) for key, item in value.items() if path == key or path.startswith(f"{key}."))
    return max((len(key) + _reach(item, path[len(key) + 1 :]) for key, item in steps), default=0)


def _refuse_secrets(document: Mapping[str, Json]) -> None:
    for path, value in _strings(document):
        if value.count(SECRET_SCHEME) != len(SECRET.findall(value)):
            raise ConfigError("names no secret; write secret://NAME", path=".".join(path))
        if _is_secret(path, SECRET.sub("", value)):
            raise ConfigError(
                "looks like a secret, which does not belong in this file; write secret://NAME here and put the value "
                "under that NAME into the environment or another secret store",
                path=".".join(path),
            )


def _is_secret(path: tuple[str, ...], value: str) -> bool:
    if _KNOWN_SECRET.search(value):
        return True
    if "models" in path:  # names of models are long and numbered too
        return False
    if _NAME_OF_SECRET.fullmatch(path[-1]) and len(value.removeprefix("Bearer ")) >= 8 and "{" not in value:
        return True
    own = path[2:] if path[0] == "providers" else path
    return any(_NAME_LIKE_SECRET.search(key) for key in own) and _RANDOM.search(value) is not None


def _strings(value: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every string in `value` with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, path)


def is_weak(key: str) -> bool:
    """Whether a caller's key can be guessed: under 24 characters (`1`, `test`, `sk-1234`), or hardly varied."""
    return len(key) < 24 or len(set(key)) < 8
