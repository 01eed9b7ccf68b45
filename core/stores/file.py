"""`file:///path`: secrets in a directory with one file for each, or in one file of `NAME=value` lines."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from core.chat.errors import ConfigError, InvalidRequest, Unavailable
from core.wire.client import HttpClient

_LINE = re.compile(r"""\s*(?:export\s+)?(?P<name>[\w.-]+)\s*=\s*(?P<value>"[^"]*"|'[^']*'|.*?)\s*(?:(?<=\s)\#.*)?""")


class Secrets:
    """Reads the disk at each fetch, so that a changed secret is seen. A path that ends in / is a directory."""

    def __init__(self, url: str, environment: Mapping[str, str], http: HttpClient) -> None:  # noqa: ARG002  # every store is built alike
        path = unquote(url.removeprefix("file://"))
        if not path:
            raise ConfigError("needs a path: file:///run/secrets", path="SECRETS_URL", source="environment")
        self._path = Path(path)
        self._new_directory = path.endswith("/")

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        try:
            return await asyncio.to_thread(self._read, names)
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable("The secret store cannot be read.") from error

    async def store(self, name: str, value: str) -> None:
        """Write a secret, new or changed, so that only its owner can read it."""
        try:
            await asyncio.to_thread(self._write, name, value)
        except (OSError, UnicodeError) as error:
            raise Unavailable("The secret store cannot be written.") from error

    async def names(self) -> Sequence[str]:
        """The names of all secrets that are there."""
        try:
            return sorted(await asyncio.to_thread(self._names))
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable("The secret store cannot be read.") from error

    def _read(self, names: Sequence[str]) -> dict[str, str]:
        if self._path.is_dir():
            files = {name: self._path / name for name in names if "/" not in name}
            found = {name: file.read_text("utf-8").strip() for name, file in files.items() if file.is_file()}
        else:
            found = parse(self._path.read_text("utf-8-sig"))
        return {name: found[name] for name in names if found.get(name)}

    def _write(self, name: str, value: str) -> None:
        if self._new_directory:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.is_dir():
            _replace(self._path / name, f"{value}\n")
        else:
            text = self._path.read_text("utf-8-sig") if self._path.exists() else ""
            others = [line for line in text.splitlines() if name not in parse(line)]
            _replace(self._path, "\n".join([*others, _line(name, value), ""]))

    def _names(self) -> list[str]:
        if self._path.is_dir():
            return [file.name for file in self._path.iterdir() if file.is_file() and not file.name.startswith(".")]
        return [name for name, value in parse(self._path.read_text("utf-8-sig")).items() if value]


def parse(text: str) -> dict[str, str]:
    """The values in `NAME=value` lines; a value may stand in quotes, a comment starts with #."""
    matches = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match["name"]: _unquoted(match["value"]) for match in matches if match}


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {'"', "'"} and value[-1:] == value[:1] and len(value) > 1 else value


def _line(name: str, value: str) -> str:
    """The line that `parse` reads as `value`."""
    for written in (value, f"'{value}'", f'"{value}"'):
        if parse(line := f"{name}={written}") == {name: value}:
            return line
    raise InvalidRequest("This value fits into no line; use a directory, file:///path/, where each secret has a file.")


def _replace(path: Path, text: str) -> None:
    """Write the file anew in one step; what was there stays until then."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)
