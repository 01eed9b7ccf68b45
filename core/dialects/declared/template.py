"""Templates: JSON values, URLs and headers with placeholders in their strings.

`"{model}"` alone becomes whatever the value is and takes its key with it where there is none; within other text it
becomes text. `{a | b}` is the first of the two that has a value. A brace with a blank or anything else that cannot
begin a name after it is an ordinary brace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from core.chat.ports import SECRET
from core.chat.requests import Json

_NAME = r"[a-z][a-z_]*(?:\.[A-Za-z0-9_-]+)?"
_PLACEHOLDER = re.compile(rf"\{{({_NAME}(?:\s*\|\s*{_NAME})*)\}}")

Values: TypeAlias = Callable[[str], Json]
"""What a placeholder stands for, by its name; None for nothing."""


class Template(Protocol):
    def fill(self, values: Values) -> Json:
        """The value with everything in its place; None where nothing is left of it."""
        ...

    def names(self) -> Iterator[tuple[str, ...]]:
        """The names of each placeholder in it."""
        ...


@dataclass(frozen=True, slots=True)
class Literal:
    value: Json

    def fill(self, values: Values) -> Json:  # noqa: ARG002  # a template like the others
        return self.value

    def names(self) -> Iterator[tuple[str, ...]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Placeholder:
    alternatives: tuple[str, ...]

    def fill(self, values: Values) -> Json:
        return next((value for name in self.alternatives if (value := values(name)) is not None), None)

    def names(self) -> Iterator[tuple[str, ...]]:
        yield self.alternatives


@dataclass(frozen=True, slots=True)
class Text:
    """Text with placeholders in it; nothing where none of them has a value."""

    parts: tuple[str | Placeholder, ...]

    def fill(self, values: Values) -> str | None:
        filled = [part if isinstance(part, str) else part.fill(values) for part in self.parts]
        found = [value for part, value in zip(self.parts, filled, strict=True) if isinstance(part, Placeholder)]
        return None if all(value is None for value in found) else "".join(map(as_text, filled))

    def names(self) -> Iterator[tuple[str, ...]]:
        return (part.alternatives for part in self.parts if isinstance(part, Placeholder))


@dataclass(frozen=True, slots=True)
class Table:
    """An object; nothing where it has keys and none of them has a value."""

    entries: Mapping[str, Template]

    def fill(self, values: Values) -> Json:
        filled = {key: value for key, entry in self.entries.items() if (value := entry.fill(values)) is not None}
        return filled if filled or not self.entries else None

    def names(self) -> Iterator[tuple[str, ...]]:
        return (names for entry in self.entries.values() for names in entry.names())


@dataclass(frozen=True, slots=True)
class Items:
    """A list; nothing where it has items and none of them has a value."""

    entries: tuple[Template, ...]

    def fill(self, values: Values) -> Json:
        filled = [value for entry in self.entries if (value := entry.fill(values)) is not None]
        return filled if filled or not self.entries else None

    def names(self) -> Iterator[tuple[str, ...]]:
        return (names for entry in self.entries for names in entry.names())


def compile_template(value: Json) -> Template:
    """The template that `value` is. A string `secret://NAME` is a placeholder of that name."""
    if isinstance(value, dict):
        return Table({key: compile_template(entry) for key, entry in value.items()})
    if isinstance(value, list):
        return Items(tuple(compile_template(entry) for entry in value))
    return _compile_text(value) if isinstance(value, str) else Literal(value)


def _compile_text(text: str) -> Template:
    if SECRET.fullmatch(text):
        return Placeholder((text,))
    pieces = _PLACEHOLDER.split(text)
    parts = tuple(_placeholder(piece) if place % 2 else piece for place, piece in enumerate(pieces) if piece)
    if not any(isinstance(part, Placeholder) for part in parts):
        return Literal(text)
    return parts[0] if len(parts) == 1 and isinstance(parts[0], Placeholder) else Text(parts)


def _placeholder(names: str) -> Placeholder:
    return Placeholder(tuple(name.strip() for name in names.split("|")))


def as_text(value: Json) -> str:
    """A value as it stands within text."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
