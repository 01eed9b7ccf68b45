"""A description that is wrong says where and why; one that is right is read in every way it may be written."""

from __future__ import annotations

from typing import Any

import pytest

from core.chat.errors import ConfigError
from core.chat.options import Options
from core.dialects.declared.response import Response
from core.dialects.declared.response_reading import KEYS, read_response
from tests.dialects.declared.replaying import described


@pytest.mark.parametrize(
    ("table", "path", "said"),
    [
        ({"framing": "xml"}, "framing", "must be one of sse, ndjson,"),
        ({"decode": "rot13"}, "decode", "must be one of json, json_string, raw, base64, c_escaped"),
        ({"text": "a..b"}, "text", "no part of a path"),
        ({"text": ["a", "b["]}, "text.1", "no part of a path"),
        ({"text": {"path": "a["}}, "text.path", "no part of a path"),
        ({"text": {"on": "x"}}, "text.path", "is missing"),
        ({"text": {"path": "a", "mode": "delta"}}, "text.mode", "is not a setting"),
        ({"text": {"path": "a", "cumulative": "yes"}}, "text.cumulative", "must be true or false"),
        ({"text": 5}, "text", "must be a string, a table, or a list of these"),
        ({"text": [5]}, "text", "must be a string, a table, or a list of these"),
        ({"text": {"path": "a", "on": 3}}, "text.on", "must be a list of strings"),
        ({"discriminator": "type | "}, "discriminator", "an empty path"),
        ({"payload": "["}, "payload", "no part of a path"),
        ({"images": {"path": "a", "data": "["}}, "images.data", "no part of a path"),
        ({"tool_calls": [{"path": "a", "id": "["}]}, "tool_calls.0.id", "no part of a path"),
        ({"tool_calls": {"path": "a", "index": "i"}}, "tool_calls.index", "is not a setting"),
        ({"finish": {"path": "a", "reason": "error"}}, "finish.reason", "must be one of stop, length, tool_calls"),
        ({"finish": {"on": "x"}}, "finish.path", "is missing"),
        ({"finish_map": {"eos": "halt"}}, "finish_map.eos", "must be one of stop, length"),
        ({"usage": {"promt": "a"}}, "usage.promt", "is not a setting"),
        ({"usage": {"prompt": ["a", "["]}}, "usage.prompt.1", "no part of a path"),
        ({"end": {"eof": "sometimes"}}, "end.eof", "must be one of always, finish"),
        ({"end": {"sentinel": "x"}}, "end.sentinel", "is not a setting"),
        ({"end": "[DONE]"}, "end", "must be a table"),
        ({"error_map": {"becomes": 200}}, "error_map.becomes", "must be at least 400"),
        ({"error_map": [{"contains": 5}]}, "error_map.0.contains", "must be a string"),
        ({"json_answer": {"text": "["}}, "json_answer.text", "no part of a path"),
        ({"json_answer": {"txt": "a"}}, "json_answer.txt", "is not a setting"),
        ({"txet": "a"}, "txet", "is not a setting"),
    ],
)
def test_a_mistake_is_named_with_its_path(table: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_response(Options("providers.x.response", table))
    assert caught.value.path == f"providers.x.response.{path}"
    assert said in caught.value.message


def test_a_rule_may_be_a_path_a_table_or_a_list_of_both() -> None:
    assert described(text="a").text == described(text={"path": "a"}).text == described(text=["a"]).text
    both = described(text=["a", {"path": "b", "on": "x", "cumulative": True}]).text
    assert [(rule.on, rule.cumulative) for rule in both] == [(frozenset(), False), (frozenset({"x"}), True)]


def test_the_end_of_the_body_counts_by_the_framing() -> None:
    assert [described(framing=framing).end.eof for framing in ("raw_text", "json_once", "sse", "ndjson")] == [
        True,
        True,
        False,
        False,
    ]
    assert not described(framing="raw_text", end={"eof": "finish"}).end.eof
    assert described(framing="sse", end={"eof": "always"}).end.eof


def test_bare_text_is_not_taken_for_json() -> None:
    assert described(framing="raw_text").decode == "raw"
    assert described().decode == "json"


def test_a_json_answer_keeps_all_rules_but_its_own() -> None:
    answer = described(text="a", error="e", json_answer={"text": "b", "framing": "json_once"}).json_answer
    assert answer
    assert (answer.framing, answer.text, answer.error) == (
        "json_once",
        described(text="b").text,
        described(error="e").error,
    )


def test_framings_of_json_have_no_other_answer() -> None:
    assert described(framing="ndjson", json_answer={"text": "b"}).json_answer is None


def test_every_field_of_a_response_can_be_set() -> None:
    assert set(KEYS) | {"json_answer"} == set(Response.__dataclass_fields__)
