"""Reads what a description holds beyond plain settings: paths, choices, and lists of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from core.chat.errors import ConfigError
from core.chat.options import Options
from core.chat.requests import Json
from core.dialects.declared.paths import Path, compile_path


class _Bare(Options):
    """A table that is written as the value of its only key: whatever is wrong is wrong with that."""

    def error(self, key: str, problem: str) -> ConfigError:  # noqa: ARG002  # there is only one key
        return ConfigError(problem, path=self.path)


def each(options: Options, key: str, *, bare: str = "path") -> Iterator[Options]:
    """The tables under `key`: one, or a list of them. A string stands for a table that has only `bare`."""
    value = options.raw(key)
    if value is None:
        return
    for place, item in enumerate(value if isinstance(value, list) else [value]):
        path = f"{options.path}.{key}" + (f".{place}" if isinstance(value, list) else "")
        if isinstance(item, str):
            yield _Bare(path, {bare: item})
        elif isinstance(item, dict):
            yield Options(path, item)
        else:
            raise options.error(key, f"must be a string, a table, or a list of these, not {item!r}")


def path_of(options: Options, key: str) -> Path:
    text = options.text(key)
    try:
        return compile_path(text)
    except ValueError as error:
        raise options.error(key, str(error)) from None


def optional_path(options: Options, key: str) -> Path | None:
    return None if options.raw(key) is None else path_of(options, key)


def address(options: Options, key: str) -> str:
    url = options.text(key)
    if not url.startswith(("http://", "https://")):
        raise options.error(key, "must begin with http:// or https://")
    return url


def choice(options: Options, key: str, choices: Collection[str], default: str) -> str:
    value = options.text(key, default)
    if value not in choices:
        raise options.error(key, f"must be one of {', '.join(choices)}, not {value!r}")
    return value


def merged(under: Mapping[str, Json], over: Mapping[str, Json]) -> dict[str, Json]:
    """`under` with the keys of `over` in their place; of two tables of headers or variables, both count."""
    both = {
        key: {**under[key], **over[key]}
        for key in ("headers", "variables")
        if isinstance(under.get(key), dict) and isinstance(over.get(key), dict)
    }
    return {**under, **over, **both}
