"""The page's own files: read when asked for, so that a cold start for the API pays nothing for them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "static"
PAGE: Final = "index.html"
EDITION: Final = b"{edition}"
"""Stands in the page where the edition belongs."""

_TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    content: bytes
    media_type: str

    def compressed(self) -> bytes:
        return gzip.compress(self.content, 6, mtime=0)


def page() -> File:
    """The page, whose links lead to the files of this edition."""
    content = (FOLDER / PAGE).read_bytes()
    return File(content.replace(EDITION, edition().encode()), _TYPES[".html"])


def file(name: str) -> File | None:
    """The file of this name; None where the page has none. A name with a path in it is no name."""
    found = next((path for path in FOLDER.iterdir() if path.name == name != PAGE), None)
    return File(found.read_bytes(), _TYPES[found.suffix]) if found else None


def edition() -> str:
    """A name for the files as they are now, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
