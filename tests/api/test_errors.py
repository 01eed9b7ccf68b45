"""What leaves as JSON is JSON, whatever an upstream has told."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from core.api.shared.errors import json_bytes


def strictly(text: bytes) -> Any:
    """What `text` says to a reader who knows no NaN and no Infinity."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan])
def test_a_number_that_json_cannot_say_is_null(odd: float) -> None:
    value = {"duration": odd, "words": [{"start": 0.5, "end": odd}, (odd, 1)], "text": "a"}

    assert strictly(json_bytes(value)) == {
        "duration": None,
        "words": [{"start": 0.5, "end": None}, [None, 1]],
        "text": "a",
    }


def test_it_is_compact_and_in_utf_8() -> None:
    assert json_bytes({"a": ["é", 1.5, "\ud800"]}) == '{"a":["é",1.5,"?"]}'.encode()
