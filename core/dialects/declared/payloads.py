"""What stands in a frame's data: JSON, a JSON string, or text that was wrapped in some way to travel."""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from core.chat.requests import Json

Reader: TypeAlias = Callable[[str], Json]
"""Reads one frame's data. Raises `ValueError` or `RecursionError` where it is damaged."""

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[abefnrtv0\\/\"'])")
_ESCAPED = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}


def reader(decode: str) -> Reader:
    """A reader for one answer."""
    return _READERS[decode]()


def _json(data: str) -> Json:
    """Blank data is nothing, so that an event may say all by its name."""
    return json.loads(data) if data.strip() else None


def _json_string(data: str) -> Json:
    value = _json(data)
    if not isinstance(value, str | dict | None):
        raise ValueError("neither a JSON string nor an object")  # noqa: TRY004  # damaged input, no wrong call
    return value


def _base64() -> Reader:
    """Each frame's bytes are decoded by themselves, UTF-8 over all of them: a character may end in the next frame."""
    utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def read(data: str) -> Json:
        data = "".join(data.split()).replace("-", "+").replace("_", "/")
        return utf8.decode(base64.b64decode(data + "=" * (-len(data) % 4), validate=True))

    return read


def _c_escaped(data: str) -> Json:
    return _ESCAPE.sub(lambda escape: _unescaped(escape[1]), data)


def _unescaped(escape: str) -> str:
    return chr(int(escape[1:], 16)) if escape[0] in "ux" else _ESCAPED.get(escape, escape)


_READERS: Mapping[str, Callable[[], Reader]] = {
    "json": lambda: _json,
    "json_string": lambda: _json_string,
    "raw": lambda: str,
    "base64": _base64,
    "c_escaped": lambda: _c_escaped,
}

DECODES = tuple(_READERS)
