"""The schema checker: the same verdict as the jsonschema library, in words for a model, and in bounded time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.emulation.schema import problem

Json = Any

PERSON: Json = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"enum": ["c", "f"]},
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "uniqueItems": True},
    },
    "required": ["city"],
    "additionalProperties": False,
}

WORDS = [
    ({"city": "Oslo"}, None),
    ([], "the value must be an object"),
    ({"city": 7}, "city must be a string"),
    ({}, "city is missing"),
    ({"city": "Oslo", "unit": "k"}, 'unit must be one of "c", "f"'),
    ({"city": "Oslo", "days": 0}, "days must be at least 1"),
    ({"city": "Oslo", "days": True}, "days must be an integer"),
    ({"city": "Oslo", "town": 1}, "town is not allowed here"),
    ({"city": "Oslo", "place": {}}, "place.lat is missing"),
    ({"city": "Oslo", "place": {"lat": "x"}}, "place.lat must be a number"),
    ({"city": "Oslo", "tags": ["a", 2]}, "tags[1] must be a string"),
    ({"city": "Oslo", "tags": ["a", "a"]}, "tags must not have the same item twice"),
    ({"city": "Oslo", "tags": ["a", "b", "c"]}, "tags must have 2 or fewer items"),
]


@pytest.mark.parametrize(("value", "expected"), WORDS)
def test_a_problem_is_told_with_its_place(value: Json, expected: str | None) -> None:
    assert problem(value, PERSON) == expected


FORMS = [
    (None, {"type": ["string", "null"]}, None),
    (1, {"type": ["string", "null"]}, "the value must be a string or null"),
    (1, {"anyOf": [{"type": "string"}, {"type": "null"}]}, "fits none of the allowed forms: the value must be a"),
    (1, {"oneOf": [{"type": "integer"}, {"type": "number"}]}, "must fit only one of the allowed forms, and fits 2"),
    (1, {"not": {"type": "integer"}}, "has a form that is not allowed"),
    (2, {"const": 1}, "the value must be 1"),
    (5, {"multipleOf": 2}, "must be a multiple of 2"),
    ("a", {"minLength": 2}, "must have 2 or more characters"),
    ("a", {"pattern": "^b"}, "must match the pattern ^b"),
    (1, False, "the value is not allowed here"),
    ({"a": {"b": 1}}, {"$ref": "#/$defs/t", "$defs": {"t": {"additionalProperties": {"$ref": "#/$defs/s"}}, "s": {
        "properties": {"b": {"type": "string"}}}}}, "a.b must be a string"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "schema", "expected"), FORMS)
def test_so_is_one_of_another_kind(value: Json, schema: Json, expected: str | None) -> None:
    found = problem(value, schema)
    assert found is None if expected is None else found is not None and expected in found


def test_null_is_allowed_where_the_schema_says_nullable() -> None:
    assert problem({"a": None}, {"properties": {"a": {"type": "string", "nullable": True}}}) is None
    assert problem({"a": None}, {"properties": {"a": {"type": "string", "nullable": False}}}) == "a must be a string"


@pytest.mark.parametrize(("value", "fits"), [(1, True), (1.0, True), (1.5, False), (True, False), ("1", False)])
def test_an_integer_is_a_number_without_a_fraction(value: Json, fits: bool) -> None:
    assert (problem(value, {"type": "integer"}) is None) is fits


def test_true_is_not_one() -> None:
    assert problem(True, {"enum": [1, [True]]})
    assert problem([1], {"enum": [1, [True]]})
    assert problem([1, True, [1], [True]], {"uniqueItems": True}) is None
    assert problem([1, 1.0], {"uniqueItems": True})


NONSENSE = [
    *({"type": "date"}, {"type": []}, {"type": 3}, {"type": ["string", {}]}, {"enum": "ab"}, {"required": True}),
    *({"properties": []}, {"minimum": "3"}, {"minimum": True}, {"multipleOf": 0}, {"exclusiveMinimum": True}),
    *({"pattern": "("}, {"pattern": 3}, {"anyOf": {}}, {"anyOf": []}, {"items": 3}, {"prefixItems": {}}),
    *({"$ref": 3}, {"$ref": "#/nowhere"}, {"$ref": "https://example.com/s.json"}, {"$ref": "#/type/0"}),
    *({"patternProperties": {"(": False}, "additionalProperties": False}, {"format": "date"}, {"unheard": 1}, 3, None),
]


@pytest.mark.parametrize("schema", NONSENSE, ids=repr)
@pytest.mark.parametrize("value", ["text", 0, [0], {"a": 0}], ids=repr)
def test_what_makes_no_sense_asks_for_nothing(schema: Json, value: Json) -> None:
    assert problem(value, schema) is None


def test_a_reference_may_come_back_to_where_it_stands() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}, "n/m~": {"type": "integer"}}, "required": ["n/m~"]}
    assert problem({"n/m~": 1, "next": {"n/m~": 2}}, tree) is None
    assert problem({"n/m~": 1, "next": {"n/m~": "2"}}, tree) == "next.n/m~ must be an integer"
    pointing = {"properties": {"a": {"$ref": "#/properties/n~1m~0/anyOf/1"}, "n/m~": {"anyOf": [{}, {"type": "null"}]}}}
    assert problem({"a": 1}, pointing) == "a must be null"


def nested(depth: int) -> Json:
    value: Json = 0
    for _ in range(depth):
        value = [value]
    return value


DOUBLING = {f"s{depth}": {"anyOf": [{"$ref": f"#/$defs/s{depth + 1}"}] * 2} for depth in range(60)}
ENDLESS = [
    (0, {"$ref": "#"}),
    (0, {"$ref": "#/$defs/s0", "$defs": {**DOUBLING, "s60": {"type": "string"}}}),
    (nested(900), {"items": {"$ref": "#"}}),
    (nested(900), {"const": nested(900)}),
    (["a" * 3000] * 300, {"items": {"pattern": "(a*)*$"}}),
]


@pytest.mark.parametrize(("value", "schema"), ENDLESS)
def test_what_has_no_end_is_given_up(value: Json, schema: Json) -> None:
    assert problem(value, schema) == "the value is too large, or nested too deeply, to be checked"


def test_what_is_quoted_is_short() -> None:
    assert len(problem("x", {"enum": ["y" * 1000] * 1000}) or "") < 2000
    assert len(problem({"x" * 10_000: 1}, {"additionalProperties": False}) or "") < 200


NAMES = st.sampled_from(["a", "b", "ab"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -2.5]), st.text("ab1", max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
SMALL = st.integers(0, 3)
PATTERNS = st.sampled_from(["^a", "b$", "^[ab]+$", "1", "^(a|b1)*$"])


def schemas(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    keywords = {
        "type": KINDS | st.lists(KINDS, min_size=1, max_size=3, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=4),
        "const": VALUES,
        "properties": st.dictionaries(NAMES, inner, max_size=2),
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
        "additionalProperties": inner,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "items": inner,
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        "uniqueItems": st.booleans(),
        "pattern": PATTERNS,
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], st.integers(-2, 2)),
        **dict.fromkeys(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"], SMALL),
        **dict.fromkeys(["anyOf", "oneOf", "allOf"], st.lists(inner, min_size=1, max_size=3)),
        "not": inner,
        "$ref": st.sampled_from(["#/$defs/a", "#/$defs/b"]),
    }
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


SCHEMAS = st.recursive(st.booleans() | KINDS.map(lambda kind: {"type": kind}), schemas, max_leaves=6)
ENDING = st.recursive(st.just({}), schemas, max_leaves=4).filter(lambda schema: "$ref" not in repr(schema))


@st.composite
def documents(draw: st.DrawFn) -> Json:
    """A schema with definitions, of which one may lead to another, but none in a circle without an end."""
    schema = draw(schemas(SCHEMAS))
    parts = {"a": draw(ENDING), "b": {"items": {"$ref": "#/$defs/b"}, "properties": {"a": {"$ref": "#/$defs/a"}}}}
    return {**schema, "$defs": parts}


@settings(max_examples=3000, deadline=None, derandomize=True)
@given(VALUES, documents())
def test_the_verdict_is_that_of_the_jsonschema_library(value: Json, schema: Json) -> None:
    fits = Draft202012Validator(schema).is_valid(value)
    event(f"fits: {fits}")
    assert (problem(value, schema) is None) is fits
