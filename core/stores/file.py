"""`file:///path`: secrets in a directory with one file for each, or in one file of `NAME=value` lines."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from core.chat.errors import ConfigError, Unavailable

_LINE = re.compile(r"""\s*(?:export\s+)?(?P<name>[\w.-]+)\s*=\s*(?P<value>"[^"]*"|'[^']*'|.*?)\s*(?:(?<=\s)\#.*)?""")


class Secrets:
    """Reads the disk at each fetch, so that a changed secret is seen."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:  # noqa: ARG002  # every store is built alike
        path = unquote(url.removeprefix("file://"))
        if not path:
            raise ConfigError("needs a path: file:///run/secrets", path="SECRETS_URL", source="environment")
        self._path = Path(path)

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        try:
            return await asyncio.to_thread(self._read, names)
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable("The secret store cannot be read.") from error

    def _read(self, names: Sequence[str]) -> dict[str, str]:
        if self._path.is_dir():
            files = {name: self._path / name for name in names if "/" not in name}
            found = {name: file.read_text("utf-8").strip() for name, file in files.items() if file.is_file()}
        else:
            found = parse(self._path.read_text("utf-8-sig"))
        return {name: found[name] for name in names if found.get(name)}


def parse(text: str) -> dict[str, str]:
    """The values in `NAME=value` lines; a value may stand in quotes, a comment starts with #."""
    matches = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match["name"]: _unquoted(match["value"]) for match in matches if match}


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {'"', "'"} and value[-1:] == value[:1] and len(value) > 1 else value
