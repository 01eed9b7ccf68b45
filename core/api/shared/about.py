"""Headers that say how an answer came to be."""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^\w.\[\]-]", re.ASCII)


def about(provider: str, ignored: Iterable[str] = (), emulated: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Who answered, which fields of the request went nowhere, and which we saw to ourselves."""
    headers = [("x-any2api-provider", provider)]
    if names := dict.fromkeys(ignored):
        headers.append(("x-ignored-params", _list(names)))
    if names := dict.fromkeys(emulated):
        headers.append(("x-any2api-emulated", _list(names)))
    return headers


def _list(names: Iterable[str]) -> str:
    """Names that a caller invented, as the value of a header: bounded, and in an alphabet that can do no harm."""
    return ", ".join(_UNSAFE.sub("?", name)[:64] for name in list(names)[:32])
