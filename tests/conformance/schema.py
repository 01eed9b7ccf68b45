"""OpenAI's own description of its answers, as far as this gateway gives them: `openapi.min.json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_DESCRIPTION = Path(__file__).with_name("openapi.min.json")


@cache
def _validator(name: str) -> Draft202012Validator:
    described = json.loads(_DESCRIPTION.read_text("utf-8"))
    return Draft202012Validator({"$defs": described["$defs"], "$ref": f"#/$defs/{name}"})


def check(value: Any, name: str) -> None:
    """Fails where `value` is no `name` of OpenAI's description."""
    _validator(name).validate(value)


def properties(name: str) -> set[str]:
    """The fields that an object of this name may have."""
    described = json.loads(_DESCRIPTION.read_text("utf-8"))["$defs"]

    def fields(part: dict[str, Any]) -> set[str]:
        part = described[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        return set(part.get("properties", {})).union(*map(fields, part.get("allOf", [])))

    return fields(described[name])
