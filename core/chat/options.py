"""Reads one table of the configuration, so that a wrong value is a clear error and a misspelt key is noticed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from core.chat.errors import ConfigError
from core.chat.requests import Json


class Options:
    """A settings table under its dotted `path`, "" for a whole file. Call `done()` once everything was read.

    `taken`: further keys of the table in the file, which others have read and taken out.
    """

    def __init__(self, path: str, table: Mapping[str, Json], taken: Iterable[str] = ()) -> None:
        self.path = path
        self._table = table
        self._read = set(taken)

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def text(self, key: str, default: str | None = None) -> str:
        """A string. Without `default` it must be there and not be empty."""
        value: Json = self._get(key, str, "a string", default)
        if value is None or (value == "" and default is None):
            raise self.error(key, "is missing")
        return str(value)

    def number(self, key: str, default: float, *, least: float = 0.0) -> float:
        """A number, at least `least`. Durations are in seconds."""
        value = float(self._get(key, (int, float), "a number", default))
        if not least <= value < math.inf:
            raise self.error(key, f"must be at least {least:g}")
        return value

    def optional_number(self, key: str, default: float | None = None) -> float | None:
        self._read.add(key)
        return self.number(key, 0.0) if key in self._table else default

    def flag(self, key: str, default: bool) -> bool:
        return bool(self._get(key, bool, "true or false", default))

    def strings(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of strings; one string counts as a list of one."""
        value = self._get(key, (str, list), "a list of strings", list(default))
        values = [value] if isinstance(value, str) else value
        if not all(isinstance(item, str) for item in values):
            raise self.error(key, "must be a list of strings")
        return tuple(values)

    def mapping(self, key: str) -> dict[str, Json]:
        """A table of anything; empty where it is missing."""
        return dict(self._get(key, dict, "a table", {}))

    def texts(self, key: str) -> dict[str, str]:
        """A table of strings; empty where it is missing."""
        table = self.mapping(key)
        for name, value in table.items():
            if not isinstance(value, str):
                raise self.error(f"{key}.{name}", "must be a string")
        return table

    def options(self, key: str) -> Options:
        """A sub-table to be read the same way."""
        return Options(self._at(key), self.mapping(key))

    def raw(self, key: str) -> Json:
        """Whatever stands there, None where nothing does."""
        self._read.add(key)
        return self._table.get(key)

    def done(self) -> None:
        """Raises `ConfigError` for the first key that nobody asked for."""
        for key in self._table:
            if key not in self._read:
                known = ", ".join(sorted(self._read))
                raise self.error(key, f"is not a setting of {self.path or 'this file'} (there are: {known})")

    def error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(problem, path=self._at(key))

    def _at(self, key: str) -> str:
        return ".".join(filter(None, (self.path, key)))

    def _get(self, key: str, kind: type | tuple[type, ...], wording: str, default: Json) -> Json:
        self._read.add(key)
        if key not in self._table:
            return default
        value = self._table[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(key, f"must be {wording}, not {value!r}")
        return value
