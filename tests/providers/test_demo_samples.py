"""Arguments that a model might have written."""

from __future__ import annotations

from typing import Any

import pytest

from core.providers.demo.samples import sample

NODE = {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 7, "type": "string"}, 7),
        ({"default": False}, False),
        ({"enum": ["celsius", "kelvin"]}, "celsius"),
        ({"examples": ["x"], "type": "string"}, "x"),
        ({"type": "string"}, "spoken"),
        ({"type": "string", "format": "date"}, "2025-06-21"),
        ({"type": ["integer", "null"]}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array"}, ["spoken"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"properties": {"City": {}, "query": {}}}, {"City": "Paris", "query": "spoken"}),
        ({"properties": {"a": {"type": "boolean"}, "b": {}}, "required": ["a"]}, {"a": True}),
        ({"type": "object"}, {}),
        ({"$defs": {"n": {"type": "integer"}}, "properties": {"n": {"$ref": "#/$defs/n"}}}, {"n": 1}),
        ({"$ref": "#/nowhere"}, "spoken"),
        (True, "spoken"),
    ],
)
def test_a_sample_fits_its_schema(schema: Any, value: Any) -> None:
    assert sample(schema, "spoken") == value


def test_a_schema_within_itself_comes_to_an_end() -> None:
    value = sample(NODE, "spoken")
    depth = 0
    while isinstance(value, dict):
        value, depth = value["next"], depth + 1
    assert (value, depth) == ("spoken", 4)
