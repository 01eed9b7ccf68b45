"""OpenAI's own description of its answers, as far as this gateway gives them: `openapi.min.json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator


@cache
def _validator(name: str) -> Draft202012Validator:
    described = json.loads(Path(__file__).with_name("openapi.min.json").read_text("utf-8"))
    return Draft202012Validator({"$defs": described["$defs"], "$ref": f"#/$defs/{name}"})


def check(value: Any, name: str) -> None:
    """Fails where `value` is no `name` of OpenAI's description."""
    _validator(name).validate(value)
