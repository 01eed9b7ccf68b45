"""Stop sequences and token limits, however the text was cut on its way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat.events import (
    Finish,
    ImageOutput,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.tokens import weigh
from core.emulation.limits import StopSequences, TokenLimit
from tests.emulation.asked import STOP, call, cut, joined, run, says, unhurried

LENGTH = Finish("length")


def stopped(*sequences: str) -> StopSequences:
    return StopSequences(sequences)


def at(sequence: str) -> Finish:
    return Finish("stop", stop_sequence=sequence)


# Stop sequences


@pytest.mark.parametrize(
    ("text", "sequences", "kept", "sequence"),
    [
        ("one two three", ["two"], "one ", "two"),
        ("one two three", ["four"], "one two three", None),
        ("one tw", ["two"], "one tw", None),
        ("two", ["two"], "", "two"),
        ("a\n\nHuman: b", ["\n\nHuman:", "\n\nUser:"], "a", "\n\nHuman:"),
        ("abcdef", ["abcdef", "cd"], "ab", "cd"),
        ("abcd", ["cd", "bcd"], "a", "bcd"),
        ("aab", ["ab"], "a", "ab"),
        ("ababac", ["abac"], "ab", "abac"),
        ("你好。再见。", ["。"], "你好", "。"),
        ("🦊🦊stop", ["stop"], "🦊🦊", "stop"),
    ],
)
@unhurried
@given(data=st.data())
def test_an_answer_ends_before_the_sequence_that_is_complete_first(data, text, sequences, kept, sequence):
    pieces = data.draw(cut(text))
    end = STOP if sequence is None else at(sequence)
    assert joined(run(stopped(*sequences), *says(*pieces))) == [*([TextDelta(kept)] if kept else []), end]


@unhurried
@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3), st.data())
def test_how_it_was_cut_makes_no_difference(text, sequences, data):
    whole = joined(run(stopped(*sequences), *says(text)))
    assert joined(run(stopped(*sequences), *says(*data.draw(cut(text))))) == whole
    said = "".join(event.text for event in whole if isinstance(event, TextDelta))
    assert not any(sequence in said for sequence in sequences)
    assert text.startswith(said)


def test_no_more_is_held_back_than_may_begin_a_sequence():
    stop = stopped("\n\nHuman:")
    assert stop.pass_on([TextDelta("one")]) == [TextDelta("one")]
    assert stop.pass_on([TextDelta(" two\n")]) == [TextDelta(" two")]
    assert stop.pass_on([TextDelta("\nH")]) == []
    assert stop.pass_on([TextDelta("ello")]) == [TextDelta("\n\nHello")]


def test_what_was_held_back_comes_before_whatever_is_no_text():
    for event in (*call("c", "{}"), ReasoningDelta("hm"), ImageOutput("data:,"), RefusalDelta("no"), STOP):
        assert run(stopped("END"), [TextDelta("a E"), event]) == [TextDelta("a "), TextDelta("E"), event]


def test_what_was_held_back_is_said_once():
    passed = run(stopped("END"), [TextDelta("a E"), ReasoningDelta("hm"), TextDelta("asy"), STOP])
    assert passed == [TextDelta("a "), TextDelta("E"), ReasoningDelta("hm"), TextDelta("asy"), STOP]


def test_a_notice_is_no_interruption():
    passed = run(stopped("END"), [TextDelta("a E"), Notice("seed"), TextDelta("ND b")])
    assert passed == [TextDelta("a "), Notice("seed"), at("END")]


def test_nothing_comes_after_the_end():
    assert run(stopped("END"), [TextDelta("a END b"), *call("c", "{}"), Finish("tool_calls")]) == [
        TextDelta("a "),
        at("END"),
    ]


def test_thinking_does_not_end_an_answer():
    thinking = [ReasoningDelta("shall I say END?"), TextDelta("no"), STOP]
    assert run(stopped("END"), thinking) == thinking


@pytest.mark.parametrize(
    ("replacement", "more", "passed"),
    [
        ("new text", "", [TextReplacement("new text"), STOP]),
        ("new END text", "", [TextReplacement("new "), at("END")]),
        ("END", "", [TextReplacement(""), at("END")]),
        ("new E", "ND text", [TextReplacement("new "), at("END")]),
        ("new E", "asy", [TextReplacement("new "), TextDelta("Easy"), STOP]),
    ],
)
def test_a_text_that_was_taken_back(replacement, more, passed):
    """What was held back of the old one is gone with it."""
    batches = [[TextDelta("old E")], [TextReplacement(replacement)], *says(more)]
    assert run(stopped("END"), *batches) == [TextDelta("old "), *passed]


# Token limits


def test_an_answer_that_fits_passes_as_it_is():
    said = [ReasoningDelta("abcd"), TextDelta("abcdefgh"), Finish("stop", "eos", Usage(1, 2))]
    assert run(TokenLimit(3), said) == said


@unhurried
@given(st.text(max_size=60), st.text(max_size=60), st.integers(1, 10), st.data())
def test_thinking_and_text_count_together_and_the_cut_is_exact(thought, text, limit, data):
    pieces = [
        *([ReasoningDelta(piece)] for piece in data.draw(cut(thought))),
        *([TextDelta(piece)] for piece in data.draw(cut(text))),
    ]
    *said, end = joined(run(TokenLimit(limit), *pieces, [STOP]))
    kept = "".join(event.text for event in said)
    assert (thought + text).startswith(kept)
    assert weigh(kept) <= limit
    assert end == (STOP if kept == thought + text else LENGTH)
    assert kept == thought + text or weigh((thought + text)[: len(kept) + 1]) > limit
    kept.encode("utf-8")


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta, RefusalDelta])
def test_whatever_the_model_says_is_cut(kind):
    assert run(TokenLimit(1), [kind("abcdefgh"), STOP]) == [kind("abcd"), LENGTH]


def test_nothing_comes_after_the_limit():
    assert run(TokenLimit(1), [TextDelta("abcd")], [TextDelta("e"), ImageOutput("data:,"), STOP]) == [
        TextDelta("abcd"),
        LENGTH,
    ]


def test_a_text_that_was_taken_back_counts_no_more():
    batches = [[TextDelta("abcdefgh")], [TextReplacement("ab")], [TextDelta("cdefgh")], [TextDelta("i"), STOP]]
    assert run(TokenLimit(2), *batches) == [TextDelta("abcdefgh"), TextReplacement("ab"), TextDelta("cdefgh"), LENGTH]
    assert run(TokenLimit(2), [TextDelta("x"), TextReplacement("abcdefghi"), STOP]) == [
        TextDelta("x"),
        TextReplacement("abcdefgh"),
        LENGTH,
    ]


def test_calls_that_fit_pass_whole_at_the_end():
    calls = [*call("1", '{"a":1}'), *call("2", "{}")]
    limit = TokenLimit(10)
    assert limit.pass_on(calls) == []
    assert limit.pass_on([Finish("tool_calls")]) == [*calls, Finish("tool_calls")]


def test_a_call_that_does_not_fit_is_not_begun():
    first, second = call("1", '{"a":1}'), call("2", '{"text":"' + "x" * 40 + '"}')
    assert run(TokenLimit(10), [TextDelta("abcd"), *first, *second, Finish("tool_calls")]) == [
        TextDelta("abcd"),
        *first,
        LENGTH,
    ]


def test_a_call_that_is_still_under_way_when_the_limit_comes_is_not_begun():
    open_call = [ToolCallStart("1", "f"), ToolCallDelta("1", '{"a":')]
    without = [ToolCallStart("2", "g")]
    assert run(TokenLimit(3), [*open_call, *without], [TextDelta("abcdefghijkl"), STOP]) == [
        TextDelta("abcde"),
        *without,
        LENGTH,
    ]
