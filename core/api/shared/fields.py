"""Takes fields out of a request body; null counts as absent, and a wrong type names the field."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.chat.errors import InvalidRequest
from core.chat.requests import Json

LONGEST_MODEL = 256
_NEVER_TAKEN = ("base_url", "api_base", "api_key", "auth_token", "key")
_WORDS = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "an array", dict: "an object"}


def take_given(body: dict[str, Json]) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The fields that are not null, and the names of those left out of them because no request may set them here."""
    given = {name: value for name, value in body.items() if value is not None}
    return given, tuple(name for name in _NEVER_TAKEN if given.pop(name, None) is not None)


def take_model(body: dict[str, Json]) -> str:
    model: str | None = take(body, "model", str)
    if not model or len(model) > LONGEST_MODEL:
        raise invalid("model", f"must be the name of a model, of at most {LONGEST_MODEL} characters")
    return model


def take_size(body: dict[str, Json]) -> tuple[int, int] | None:
    """Width and height in pixels; None for "auto" too."""
    size: str = take(body, "size", str) or "auto"
    width, _, height = size.partition("x")
    if size == "auto":
        return None
    if not all(re.fullmatch("[1-9][0-9]{0,4}", side) for side in (width, height)):
        raise invalid("size", "must be auto, or width and height in pixels, like 1024x1024")
    return int(width), int(height)


def take_choice(body: dict[str, Json], name: str, choices: Sequence[str]) -> str | None:
    """One of `choices`."""
    chosen: str | None = take(body, name, str)
    if chosen is not None and chosen not in choices:
        raise invalid(name, f"must be one of {', '.join(choices)}")
    return chosen


def take(body: dict[str, Json], name: str, kind: type, *, path: str = "") -> Json:
    """`body[name]`, removed from it; None where it is missing or null."""
    value = body.pop(name, None)
    return None if value is None else check(value, kind, path or name)


def check(value: Json, kind: type, path: str) -> Json:
    """`value` if it is of `kind` (float takes whole numbers too). Raises `InvalidRequest`."""
    kinds: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind is not bool):
        raise invalid(path, f"must be {_WORDS[kind]}")
    return value


def number_within(body: dict[str, Json], name: str, kind: type, least: float, most: float) -> None:
    """Check a number that stays in `body`."""
    if name in body and not least <= check(body[name], kind, name) <= most:
        raise invalid(name, f"must be between {least:.12g} and {most:.12g}")


def bounded(items: list[Json], most: int, path: str) -> list[Json]:
    if len(items) > most:
        raise invalid(path, f"may hold at most {most} entries, not {len(items)}")
    return items


def invalid(path: str, problem: str, code: str | None = None) -> InvalidRequest:
    return InvalidRequest(f"`{path}` {problem}.", param=path, code=code)
