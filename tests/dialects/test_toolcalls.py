"""Tool calls in fragments, with whatever services leave out of them."""

from __future__ import annotations

from typing import Any

import pytest

from core.chat.completion import Collector
from core.chat.requests import ToolCall
from core.dialects.toolcalls import ToolCalls


def calls(*deltas: list[dict[str, Any]]) -> list[ToolCall]:
    collector, state = Collector(), ToolCalls()
    for delta in deltas:
        for event in state.add(delta):
            collector.add(event)
    for event in state.end():
        collector.add(event)
    return collector.completion().tool_calls


def part(arguments: Any = None, *, name: str | None = None, **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


def test_fragments_go_to_their_call_by_index_even_interleaved() -> None:
    made = calls(
        [part("", name="f", index=0, id="a"), part("", name="g", index=1, id="b")],
        [part('{"x"', index=0), part('{"y"', index=1)],
        [part(":1}", index=0), part(":2}", index=1)],
    )
    assert made == [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", '{"y":2}')]


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": 0.0}])
def test_a_single_call_needs_no_index(index: dict[str, Any]) -> None:
    made = calls([part('{"x"', name="f", id="a", **index)], [part(":1}", **index)])
    assert made == [ToolCall("a", "f", '{"x":1}')]


def test_without_an_index_the_id_decides() -> None:
    made = calls([part("1", name="f", id="a")], [part("2", name="g", id="b")], [part("3", id="a")])
    assert made == [ToolCall("a", "f", "13"), ToolCall("b", "g", "2")]


def test_without_index_and_id_a_name_begins_a_new_call() -> None:
    made = calls([part("1", name="f")], [part("2")], [part("3", name="g")])
    assert [(call.name, call.arguments) for call in made] == [("f", "12"), ("g", "3")]


def test_a_missing_or_repeated_id_becomes_a_unique_one() -> None:
    made = calls(
        [part("1", name="f", index=0)], [part("2", name="g", index=1, id="x"), part("3", name="h", index=2, id="x")]
    )
    assert [call.arguments for call in made] == ["1", "2", "3"]
    assert len({call.call_id for call in made}) == 3
    assert made[0].call_id.startswith("call_")


def test_two_calls_that_claim_one_index_are_two_calls() -> None:
    made = calls([part("1", name="f", index=0, id="a")], [part("2", name="g", index=0, id="b")])
    assert made == [ToolCall("a", "f", "1"), ToolCall("b", "g", "2")]


def test_a_name_repeated_with_the_last_fragment_is_no_new_call() -> None:
    made = calls([part("1", name="f", index=0, id="a")], [part("2", name="f", index=0, id=None)])
    assert made == [ToolCall("a", "f", "12")]


def test_arguments_wait_for_the_name_and_objects_become_json() -> None:
    assert calls([part("1", index=0, id="a")], [part("2", name="f", index=0)]) == [ToolCall("a", "f", "12")]
    assert calls([part({"city": "São"}, name="f", index=0, id="a")]) == [ToolCall("a", "f", '{"city": "São"}')]


def test_a_call_without_a_name_is_not_lost() -> None:
    assert calls([part('{"x":1}', index=0, id="a")]) == [ToolCall("a", "unnamed", '{"x":1}')]
