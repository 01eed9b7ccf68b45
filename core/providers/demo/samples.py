"""Plausible values for a JSON schema: what a model might have written as the arguments of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.chat.requests import Json

_DEEPEST: Final = 8
_BY_FORMAT: Final[Mapping[str, str]] = {
    "date": "2025-06-21",
    "date-time": "2025-06-21T12:00:00Z",
    "time": "12:00:00Z",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "uuid": "7f1c6f9e-6c1b-4a57-9b1e-2d7f7a1c0b5d",
}
_BY_NAME: Final[Mapping[str, str]] = {
    "city": "Paris",
    "location": "Paris",
    "place": "Paris",
    "country": "France",
    "date": "2025-06-21",
    "time": "12:00",
    "email": "ada@example.com",
    "url": "https://example.com/",
    "unit": "celsius",
    "language": "en",
    "path": "README.md",
    "name": "Ada",
    "command": "ls",
}


def sample(schema: Json, spoken: str, name: str = "", *, root: Json = None, depth: int = 0) -> Json:  # noqa: C901  # one case per form of a schema
    """A value that fits `schema`. `spoken` is what the user said, for strings that nothing else is known about."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return spoken
    root = root or schema
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if schema.get(key):
            return schema[key][0]
    if isinstance(reference := schema.get("$ref"), str):
        return sample(_referred(reference, root), spoken, name, root=root, depth=depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return sample(schema[key][0], spoken, name, root=root, depth=depth + 1)
    match _type_of(schema):
        case "object":
            return {key: sample(part, spoken, key, root=root, depth=depth + 1) for key, part in _needed(schema).items()}
        case "array":
            item = sample(schema.get("items", {}), spoken, name, root=root, depth=depth + 1)
            return [item] * max(schema.get("minItems", 1), 1)
        case "integer" | "number":
            return schema.get("minimum", min(1, schema.get("maximum", 1)))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _BY_FORMAT.get(schema.get("format", "")) or _BY_NAME.get(name.lower()) or spoken


def _type_of(schema: Mapping[str, Json]) -> Json:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return kind[0] if isinstance(kind, list) and kind else kind


def _needed(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """The required properties; all of them where none is required."""
    properties = schema.get("properties") or {}
    required = schema.get("required") or properties
    return {key: properties.get(key, {}) for key in required}


def _referred(reference: str, root: Json) -> Json:
    for step in reference.removeprefix("#").strip("/").split("/"):
        root = root.get(step, {}) if isinstance(root, dict) else {}
    return root
