"""A small language that says where something stands in a JSON value.

    choices.0.delta.content        keys of objects and places in lists
    content.parts.*.text           `*` is every item of a list and every value of an object
    parts.*[thought!=true].text    only what fulfils a condition
    usage.input | usage.prompt     the first of several that gives something
    $                              the whole value

Conditions are [key] (there, and neither false, zero nor empty), [key=a], [key!=a] (also where the key is missing) and
[key^=a] (begins with); `a|b` is either of two. A key in a condition may be a path of keys, or `$`.
A missing value, null and the empty string are all nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from core.chat.requests import Json

_SEGMENT = re.compile(r"(\$|\*|[^\s.|*$\[\]]+)?((?:\[[^\[\]]+\])*)")
_CONDITION = re.compile(r"([^\s=!^|]+?)(?:(=|!=|\^=)(.*))?")

Relation: TypeAlias = Literal["", "=", "!=", "^="]
_RELATIONS: Mapping[str | None, Relation] = {None: "", "=": "=", "!=": "!=", "^=": "^="}


class Step(Protocol):
    """From the values found so far to the next ones."""

    def follow(self, values: list[Json]) -> list[Json]: ...


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an object, or one place in a list."""

    name: str
    place: int | None

    def follow(self, values: list[Json]) -> list[Json]:
        found = []
        for value in values:
            if isinstance(value, dict):
                if self.name in value:
                    found.append(value[self.name])
            elif isinstance(value, list) and self.place is not None and -len(value) <= self.place < len(value):
                found.append(value[self.place])
        return found


@dataclass(frozen=True, slots=True)
class Every:
    """All that a list or an object holds."""

    def follow(self, values: list[Json]) -> list[Json]:
        found: list[Json] = []
        for value in values:
            if isinstance(value, dict):
                found += value.values()
            elif isinstance(value, list):
                found += value
        return found


@dataclass(frozen=True, slots=True)
class Where:
    """Only the values that fulfil a condition."""

    keys: tuple[Key, ...]
    relation: Relation
    words: tuple[str, ...]

    def follow(self, values: list[Json]) -> list[Json]:
        return [value for value in values if self._holds(value)]

    def _holds(self, value: Json) -> bool:
        for key in self.keys:
            value = next(iter(key.follow([value])), None)
        match self.relation:
            case "":
                return bool(value)
            case "=":
                return _word(value) in self.words
            case "!=":
                return _word(value) not in self.words
            case "^=":
                return isinstance(value, str) and value.startswith(self.words)


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path. Each alternative goes with its own text, which names it where that matters."""

    alternatives: tuple[tuple[str, tuple[Step, ...]], ...]

    def find(self, value: Json) -> list[Json]:
        """Everything that stands there, in order."""
        return next((found for _, found in self._found(value)), [])

    def first(self, value: Json) -> Json:
        """What stands there first; None for nothing."""
        return next((found[0] for _, found in self._found(value)), None)

    def chosen(self, value: Json) -> tuple[str, Json]:
        """The text of the alternative that gives something, and what it gives; ("", None) for nothing."""
        return next(((text, found[0]) for text, found in self._found(value)), ("", None))

    def _found(self, value: Json) -> Iterator[tuple[str, list[Json]]]:
        for text, steps in self.alternatives:
            found = [value]
            for step in steps:
                if not found:
                    break
                found = step.follow(found)
            if found := [item for item in found if item is not None and item != ""]:
                yield text, found


WHOLE = Path((("$", ()),))


def compile_path(text: str) -> Path:
    """The path that `text` describes. Raises `ValueError` saying what is wrong with it."""
    return Path(tuple((part.strip(), tuple(_steps(part.strip()))) for part in split_outside(text, "|")))


def _steps(text: str) -> Iterator[Step]:
    if not text:
        raise ValueError("an empty path; the whole value is $")
    for place, segment in enumerate(split_outside(text, ".")):
        parsed = _SEGMENT.fullmatch(segment)
        if not parsed or not segment or (place > 0 and parsed[1] in {None, "$"}):
            raise ValueError(f"{segment!r} is no part of a path")
        if parsed[1] == "*":
            yield Every()
        elif parsed[1] not in {None, "$"}:
            yield _key(parsed[1])
        for condition in re.findall(r"\[([^\[\]]+)\]", parsed[2]):
            yield _where(condition)


def _key(name: str) -> Key:
    return Key(name, int(name) if re.fullmatch(r"-?[0-9]{1,9}", name) else None)


def _where(text: str) -> Where:
    parsed = _CONDITION.fullmatch(text)
    if not parsed:
        raise ValueError(f"[{text}] is no condition; there are [key], [key=a], [key!=a] and [key^=a]")
    keys = () if parsed[1] == "$" else tuple(map(_key, parsed[1].split(".")))
    return Where(keys, _RELATIONS[parsed[2]], tuple((parsed[3] or "").split("|")))


def split_outside(text: str, separator: str) -> list[str]:
    """`text` cut at each `separator` that stands in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _word(value: Json) -> str | None:
    """A scalar as it is written in a condition; None for what cannot be written there."""
    if isinstance(value, str):
        return value
    return None if isinstance(value, dict | list) else json.dumps(value)
