"""What is wrong with a value by its JSON schema, in a sentence that a model can act on.

This is what the schemas of tools and of structured outputs are made of; see docs/decisions/
2026-11-21-a-small-schema-checker.md. A keyword that is not here, or whose own value makes no sense, asks for nothing:
so do `format`, references to other documents, and patterns beyond `core.emulation.patterns`. Neither a schema that
refers to itself nor one that branches without end can keep us busy for long.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Final
from urllib.parse import unquote

from core.chat.requests import Json
from core.emulation.patterns import Subject, UnknownSyntax, search

MOST_STEPS = 100_000
"""A few tenths of a second."""

_LONGEST_QUOTE = 80
_MOST_QUOTES = 20


def problem(value: Json, schema: Json) -> str | None:
    """The first thing in `value` that `schema` does not allow ("city must be a string"), None where it fits."""
    try:
        return next(_Check(schema).problems(value, schema, ""), None)
    except (RecursionError, _TooMuch):
        return "the value is too large, or nested too deeply, to be checked"


class _TooMuch(Exception):
    """The budget is spent."""


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Json) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _is_string(value: Json) -> bool:
    return isinstance(value, str)


def _is_array(value: Json) -> bool:
    return isinstance(value, list)


def _is_object(value: Json) -> bool:
    return isinstance(value, dict)


_TYPES: Final[Mapping[str, tuple[Callable[[Json], bool], str]]] = {
    "string": (_is_string, "a string"),
    "number": (_is_number, "a number"),
    "integer": (_is_integer, "an integer"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "array": (_is_array, "an array"),
    "object": (_is_object, "an object"),
    "null": (lambda value: value is None, "null"),
}

_BOUNDS: Final[Mapping[str, tuple[Callable[[Json], bool], Callable[[Json, Json], bool], str]]] = {
    "minimum": (_is_number, operator.ge, "must be at least {}"),
    "maximum": (_is_number, operator.le, "must be at most {}"),
    "exclusiveMinimum": (_is_number, operator.gt, "must be more than {}"),
    "exclusiveMaximum": (_is_number, operator.lt, "must be less than {}"),
    "minLength": (_is_string, operator.ge, "must have {} or more characters"),
    "maxLength": (_is_string, operator.le, "must have {} or fewer characters"),
    "minItems": (_is_array, operator.ge, "must have {} or more items"),
    "maxItems": (_is_array, operator.le, "must have {} or fewer items"),
    "minProperties": (_is_object, operator.ge, "must have {} or more properties"),
    "maxProperties": (_is_object, operator.le, "must have {} or fewer properties"),
}


class _Check:
    """One value against one schema, whose references begin at `root`."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._steps = MOST_STEPS

    def problems(self, value: Json, schema: Json, path: str) -> Iterator[str]:
        """Everything that is wrong with the part of the value at `path`."""
        self._spend(1)
        if schema is False:
            yield f"{_named(path)} is not allowed here"
        if not isinstance(schema, dict) or (value is None and schema.get("nullable") is True):
            return
        yield from self._type(value, schema, path)
        yield from self._choice(value, schema, path)
        yield from self._bounds(value, schema, path)
        if isinstance(value, dict):
            yield from self._members(value, schema, path)
        elif isinstance(value, list):
            yield from self._items(value, schema, path)
        elif isinstance(value, str):
            yield from self._pattern(value, schema, path)
        yield from self._combined(value, schema, path)

    def _fits(self, value: Json, schema: Json) -> bool:
        return next(self.problems(value, schema, ""), None) is None

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise _TooMuch

    def _type(self, value: Json, schema: Json, path: str) -> Iterator[str]:
        wanted = schema.get("type")
        names = wanted if isinstance(wanted, list) else [wanted]
        types = [_TYPES.get(name) if isinstance(name, str) else None for name in names]
        if types and all(known is not None and not known[0](value) for known in types):
            yield f"{_named(path)} must be {' or '.join(known[1] for known in types if known)}"

    def _choice(self, value: Json, schema: Json, path: str) -> Iterator[str]:
        allowed = schema.get("enum")
        if isinstance(allowed, list):
            mine = self._identity(value)
            if all(self._identity(option) != mine for option in allowed):
                yield f"{_named(path)} must be one of {', '.join(map(_quoted, allowed[:_MOST_QUOTES]))}"
        if "const" in schema and self._identity(schema["const"]) != self._identity(value):
            yield f"{_named(path)} must be {_quoted(schema['const'])}"

    def _bounds(self, value: Json, schema: Json, path: str) -> Iterator[str]:
        for keyword, (concerns, compare, words) in _BOUNDS.items():
            bound = schema.get(keyword)
            if not _is_number(bound) or not concerns(value):
                continue
            if not compare(value if _is_number(value) else len(value), bound):
                yield f"{_named(path)} {words.format(bound)}"
        factor = schema.get("multipleOf")
        if _is_number(factor) and factor > 0 and _is_number(value) and not _is_multiple(value, factor):
            yield f"{_named(path)} must be a multiple of {factor}"

    def _members(self, value: dict[str, Json], schema: Json, path: str) -> Iterator[str]:
        required = schema.get("required")
        for name in required if isinstance(required, list) else ():
            if isinstance(name, str) and name not in value:
                yield f"{_named(_joined(path, name))} is missing"
        for name, member in value.items():
            place = _joined(path, name)
            schemas = self._schemas_of(name, schema)
            if schemas == [False]:
                yield f"{_named(place)} is not allowed here"
                continue
            for each in schemas:
                yield from self.problems(member, each, place)

    def _schemas_of(self, name: str, schema: Json) -> list[Json]:
        """What the member called `name` must fit."""
        properties, patterns = _table(schema, "properties"), _table(schema, "patternProperties")
        schemas = [properties[name]] if name in properties else []
        is_covered = bool(schemas)
        for pattern, each in patterns.items():
            found = self._found(pattern, name)
            is_covered = is_covered or found is not False
            if found:
                schemas.append(each)
        return schemas if is_covered else [schema.get("additionalProperties", True)]

    def _items(self, value: list[Json], schema: Json, path: str) -> Iterator[str]:
        prefix = schema.get("prefixItems")
        first = prefix if isinstance(prefix, list) else []
        for place, item in enumerate(value):
            each = first[place] if place < len(first) else schema.get("items", True)
            yield from self.problems(item, each, f"{path}[{place}]")
        if schema.get("uniqueItems") is True and len(set(map(self._identity, value))) < len(value):
            yield f"{_named(path)} must not have the same item twice"

    def _pattern(self, value: str, schema: Json, path: str) -> Iterator[str]:
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and self._found(pattern, value) is False:
            yield f"{_named(path)} must match the pattern {pattern[:_LONGEST_QUOTE]}"

    def _found(self, pattern: str, text: str) -> bool | None:
        """None where the pattern is beyond us."""
        try:
            return search(pattern, Subject(text, self._spend))
        except UnknownSyntax:
            return None

    def _combined(self, value: Json, schema: Json, path: str) -> Iterator[str]:
        target = self._target(schema.get("$ref"))
        yield from self.problems(value, target, path)
        for each in _forms(schema, "allOf"):
            yield from self.problems(value, each, path)
        if forms := _forms(schema, "anyOf"):
            found = [next(self.problems(value, form, path), None) for form in forms]
            if None not in found:
                yield _none_of(path, found)
        if forms := _forms(schema, "oneOf"):
            found = [next(self.problems(value, form, path), None) for form in forms]
            if None not in found:
                yield _none_of(path, found)
            elif found.count(None) > 1:
                yield f"{_named(path)} must fit only one of the allowed forms, and fits {found.count(None)}"
        if "not" in schema and self._fits(value, schema["not"]):
            yield f"{_named(path)} has a form that is not allowed"

    def _target(self, reference: Json) -> Json:
        """The part of this document that a `$ref` names; True, which allows everything, where there is none."""
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            return True
        target = self._root
        for step in reference.split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            elif isinstance(target, dict) and name in target:
                target = target[name]
            else:
                return True
        return target

    def _identity(self, value: Json) -> object:
        """What equals another's exactly when both are the same JSON: 1 is 1.0, but never true."""
        self._spend(1)
        if isinstance(value, bool):
            return (bool, value)
        if isinstance(value, list):
            return (list, tuple(map(self._identity, value)))
        if isinstance(value, dict):
            return (dict, frozenset((name, self._identity(member)) for name, member in value.items()))
        return value


def _none_of(path: str, problems: list[str | None]) -> str:
    told = "; ".join(dict.fromkeys(words for words in problems if words))
    return f"{_named(path)} fits none of the allowed forms: {told[: 4 * _LONGEST_QUOTE]}"


def _table(schema: Json, keyword: str) -> dict[str, Json]:
    table = schema.get(keyword)
    return table if isinstance(table, dict) else {}


def _forms(schema: Json, keyword: str) -> list[Json]:
    forms = schema.get(keyword)
    return forms if isinstance(forms, list) else []


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and isinstance(factor, int):
        return value % factor == 0
    try:
        quotient = value / factor
    except OverflowError:
        return True
    return not isfinite(quotient) or abs(quotient - round(quotient)) < 1e-9


def _joined(path: str, name: str) -> str:
    name = " ".join(name[:_LONGEST_QUOTE].split())
    return f"{path}.{name}" if path else name


def _named(path: str) -> str:
    return path.removeprefix(".") or "the value"


def _quoted(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)[:_LONGEST_QUOTE]
