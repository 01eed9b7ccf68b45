"""Tool calls in every state of disarray."""

from __future__ import annotations

import pytest

from core.chat.events import ToolCallDelta, ToolCallStart
from core.dialects.declared.calls import Calls, Fragment


def told(*fragments: Fragment) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each call that the fragments come to."""
    calls = Calls()
    events = [event for fragment in fragments for event in calls.add(fragment)]
    found: dict[str, list[str]] = {}
    for event in [*events, *calls.end()]:
        if isinstance(event, ToolCallStart):
            assert event.call_id not in found
            found[event.call_id] = [event.name, ""]
        elif isinstance(event, ToolCallDelta):
            assert event.arguments
            found[event.call_id][1] += event.arguments
    return [(call_id, name, arguments) for call_id, (name, arguments) in found.items()]


def named(*fragments: Fragment) -> list[tuple[str, str]]:
    calls = told(*fragments)
    assert all(call_id for call_id, _, _ in calls)
    return [(name, arguments) for _, name, arguments in calls]


F = Fragment


def test_fragments_find_their_call_by_key() -> None:
    assert told(
        F("0", "a", "f"), F("1", "b", "g"), F("0", arguments='{"x"'), F("1", arguments="{}"), F("0", arguments=":1}")
    ) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_without_key_by_id_and_without_id_the_latest() -> None:
    assert told(F(None, "a", "f"), F(None, "b", "g"), F(None, "a", arguments="1"), F(arguments="2")) == [
        ("a", "f", "1"),
        ("b", "g", "2"),
    ]


def test_a_missing_id_is_made_up() -> None:
    (call_id, name, arguments), *rest = told(F("0", name="f", arguments="{}"))
    assert (name, arguments, rest) == ("f", "{}", [])
    assert call_id.startswith("call_")


def test_id_and_name_in_every_fragment_change_nothing() -> None:
    assert told(F("0", "a", "f", "{"), F("0", "a", "f", "}")) == [("a", "f", "{}")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (F("0", "a", "f", "{}"), F("0", "b", "f", "{}")),
        (F("0", None, "f", "{}"), F("0", None, "g", "{}")),
        (F(None, None, "f", "{}"), F(None, None, "f", "{}")),
        (F("0", "a", "f", "{}"), F("1", "a", "f", "{}")),
    ],
    ids=["one index, two ids", "one index, two names", "nothing but names", "one id, two indices"],
)
def test_two_calls_that_claim_one_place_stay_two(first: Fragment, second: Fragment) -> None:
    calls = told(first, second)
    assert [arguments for _, _, arguments in calls] == ["{}", "{}"]
    assert len({call_id for call_id, _, _ in calls}) == 2


def test_a_name_that_comes_late_starts_the_call() -> None:
    calls = Calls()
    assert list(calls.add(F("0", "a", arguments="{"))) == []
    assert list(calls.add(F("0", name="f", arguments="}"))) == [
        ToolCallStart("a", "f"),
        ToolCallDelta("a", "{"),
        ToolCallDelta("a", "}"),
    ]


def test_a_call_whose_name_never_comes_is_not_lost() -> None:
    assert told(F("0", "a", arguments="{}")) == [("a", "unnamed", "{}")]


def test_no_arguments_are_an_empty_object() -> None:
    assert told(F("0", "a", "f")) == [("a", "f", "{}")]
    assert told(F(None, "a", "f", {}, whole=True)) == [("a", "f", "{}")]


def test_objects_become_json() -> None:
    assert told(F(None, "a", "f", {"x": "世"}, whole=True)) == [("a", "f", '{"x": "世"}')]


def test_whole_calls_without_ids_are_each_a_call() -> None:
    assert named(F(name="f", arguments={"a": 1}, whole=True), F(name="f", arguments={"a": 1}, whole=True)) == [
        ("f", '{"a": 1}'),
        ("f", '{"a": 1}'),
    ]


@pytest.mark.parametrize("key", ["0", None])
@pytest.mark.parametrize("call_id", ["a", None])
def test_a_call_said_again_is_one_call(key: str | None, call_id: str | None) -> None:
    fragments = [F(key, call_id, "f", '{"x":'), F(key, call_id, None, "1}")]
    assert named(*fragments, F(key, call_id, "f", {"x": 1}, whole=True)) == [("f", '{"x":1}')]


def test_a_call_that_was_only_announced_gets_its_arguments_whole() -> None:
    assert told(F("a", "a", "f"), F("a", "a", "f", {"x": 1}, whole=True)) == [("a", "f", '{"x": 1}')]


def test_another_whole_call_after_fragments_is_another_call() -> None:
    assert named(F(name="f", arguments='{"x":1}'), F(name="f", arguments={"x": 2}, whole=True)) == [
        ("f", '{"x":1}'),
        ("f", '{"x": 2}'),
    ]


def test_half_a_character_waits_within_its_call() -> None:
    assert told(F("0", "a", "f", '"\ud83d'), F("1", "b", "g", '"x"'), F("0", arguments='\ude00"')) == [
        ("a", "f", '"😀"'),
        ("b", "g", '"x"'),
    ]
    assert told(F("0", "a", "f", '"\ud83d')) == [("a", "f", '"\ufffd')]
