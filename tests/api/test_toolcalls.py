"""Tool calls whose fragments come mixed, one after another."""

from __future__ import annotations

from core.api.shared.toolcalls import OneByOne
from core.chat.events import Finish, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta, ToolCallStart

A, B, C = (ToolCallStart(name, f"do_{name}") for name in "abc")
DONE = Finish("tool_calls")


def a(arguments: str) -> ToolCallDelta:
    return ToolCallDelta("a", arguments)


def b(arguments: str) -> ToolCallDelta:
    return ToolCallDelta("b", arguments)


def passed(*batches: list[StreamEvent]) -> list[list[StreamEvent]]:
    calls = OneByOne()
    return [list(calls.order(batch)) for batch in batches]


def test_calls_in_sequence_pass_as_they_come() -> None:
    batches: list[list[StreamEvent]] = [[A], [a('{"x":')], [a("1}")], [B, b("{}")], [C], [DONE]]

    assert passed(*batches) == batches


def test_what_is_no_call_passes_untouched() -> None:
    batch: list[StreamEvent] = [ReasoningDelta("hm"), TextDelta("hello"), Finish("stop")]

    assert OneByOne().order(batch) is batch


def test_a_later_call_waits_until_the_one_before_is_whole() -> None:
    assert passed([A, B], [a('{"x":{}'), b('{"y"')], [b(":2")], [TextDelta("t")], [a("}")], [b("}")], [DONE]) == [
        [A],
        [a('{"x":{}')],
        [],
        [TextDelta("t")],
        [a("}"), B, b('{"y"'), b(":2")],
        [b("}")],
        [DONE],
    ]


def test_several_that_waited_follow_each_other() -> None:
    assert passed([A, B, C, b("{}")], [a("{}")], [DONE]) == [[A], [a("{}"), B, b("{}"), C], [DONE]]


def test_nothing_that_waited_is_lost_at_the_end() -> None:
    assert passed([A, B, b("{}"), C], [a("{broken}")], [DONE]) == [[A], [a("{broken}")], [B, b("{}"), C, DONE]]


def test_what_comes_late_for_a_call_that_seemed_whole_is_passed_on() -> None:
    assert passed([A, a("{}"), B, a(" ")], [b("{}")]) == [[A, a("{}"), B, a(" ")], [b("{}")]]
