"""Thinking that an upstream leaves in the text, and thinking that is put there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat.events import Finish, Notice, ReasoningDelta, TextDelta, TextReplacement, ToolCallStart
from core.emulation.reasoning import LeadingThought, ThoughtInText
from tests.emulation.asked import STOP, call, cut, joined, run, says, unhurried


def thought(text: str) -> list[ReasoningDelta]:
    return [ReasoningDelta(text)] if text else []


def said(text: str) -> list[TextDelta]:
    return [TextDelta(text)] if text else []


SPLIT = [
    ("<think>why</think>Answer", "why", "Answer"),
    ("<think>\nwhy \n\n</think>\n\nAnswer\n", "why", "Answer\n"),
    (" \n<think>why</think> Answer", "why", "Answer"),
    ("<think>\n\n</think>\n\nAnswer", "", "Answer"),
    ("<think>a</think><think>b</think>", "a", "<think>b</think>"),
    ("<think>a < b </thin </think>c</think>", "a < b </thin", "c</think>"),
    ("<think>one\n\ntwo</think>", "one\n\ntwo", ""),
    ("<think>never closed", "never closed", ""),
    ("<think>never closed </thi", "never closed </thi", ""),
    ("Answer", "", "Answer"),
    ("\n\n Answer", "", "\n\n Answer"),
    ("The tag is <think>.</think>", "", "The tag is <think>.</think>"),
    ("`<think>` begins it", "", "`<think>` begins it"),
    ("<thinker>", "", "<thinker>"),
    ("<thin", "", "<thin"),
    (" ", "", " "),
]


@pytest.mark.parametrize(("text", "reasoning", "rest"), SPLIT)
@unhurried
@given(data=st.data())
def test_thinking_at_the_beginning_is_told_apart(data, text, reasoning, rest):
    events = run(LeadingThought(), *says(*data.draw(cut(text))))
    assert joined(events) == [*thought(reasoning), *said(rest), STOP]
    assert all(event.text for event in events[:-1])


@unhurried
@given(st.text("<think>/ \na", max_size=40), st.data())
def test_how_it_was_cut_makes_no_difference(text, data):
    whole = joined(run(LeadingThought(), *says(text)))
    assert joined(run(LeadingThought(), *says(*data.draw(cut(text))))) == whole


def test_whoever_has_nothing_to_find_is_soon_gone():
    looking = LeadingThought()
    assert looking.pass_on([Notice("seed"), TextDelta("\n")]) == [Notice("seed")]
    assert not looking.settled
    assert looking.pass_on([TextDelta("A"), TextDelta("<think>")]) == [TextDelta("\nA"), TextDelta("<think>")]
    assert looking.settled
    batch = [TextDelta("<think>")]
    assert looking.pass_on(batch) is batch


def test_thinking_is_told_while_it_comes():
    looking = LeadingThought()
    assert looking.pass_on([TextDelta("<think>Let me")]) == [ReasoningDelta("Let me")]
    assert looking.pass_on([TextDelta(" see. </")]) == [ReasoningDelta(" see.")]
    assert looking.pass_on([TextDelta("think>\n\n")]) == []
    assert looking.pass_on([TextDelta("It is")]) == [TextDelta("It is")]
    assert looking.pass_on([TextDelta(" <think>")]) == [TextDelta(" <think>")]


@pytest.mark.parametrize("event", [ReasoningDelta("hm"), ToolCallStart("c", "f"), STOP])
def test_an_upstream_that_tells_other_things_first_has_none_in_the_text(event):
    looking = LeadingThought()
    assert looking.pass_on([TextDelta(" <"), event]) == [TextDelta(" <"), event]
    assert looking.settled


def test_a_call_in_mid_thought_ends_nothing():
    events = [TextDelta("<think>a</th"), *call("c", "{}"), Finish("tool_calls")]
    assert run(LeadingThought(), events) == [
        ReasoningDelta("a"),
        ReasoningDelta("</th"),
        *call("c", "{}"),
        Finish("tool_calls"),
    ]


@pytest.mark.parametrize(
    ("before", "replacement", "passed"),
    [
        ("<think>a", "<think>b</think>c", [ReasoningDelta("a"), TextReplacement("c")]),
        ("<think>a</think>b", "c", [ReasoningDelta("a"), TextDelta("b"), TextReplacement("c")]),
        ("", "<think>b</think>c", [ReasoningDelta("b"), TextReplacement("c")]),
        ("<thi", "<think>", [TextReplacement("")]),
    ],
)
def test_a_text_that_was_taken_back(before, replacement, passed):
    """Its thinking is told once, and never shown as text."""
    assert run(LeadingThought(), said(before), [TextReplacement(replacement)]) == passed


# Thinking that is put into the text

SHOWN = "<think>\nwhy\n</think>\n\n"


@pytest.mark.parametrize("pieces", [["why"], ["w", "hy"]])
def test_thinking_is_shown_between_tags(pieces):
    events = [*map(ReasoningDelta, pieces), TextDelta("Answer"), TextDelta("!"), STOP]
    assert joined(run(ThoughtInText(), events)) == [TextDelta(f"{SHOWN}Answer!"), STOP]


@pytest.mark.parametrize("event", [STOP, ToolCallStart("c", "f")])
def test_the_tag_is_closed_before_whatever_comes(event):
    assert joined(run(ThoughtInText(), [ReasoningDelta("why"), Notice("seed"), event])) == [
        TextDelta("<think>\nwhy"),
        Notice("seed"),
        TextDelta("\n</think>\n\n"),
        event,
    ]


def test_what_was_shown_stays_when_the_text_is_taken_back():
    events = [ReasoningDelta("why"), TextReplacement("Answer"), TextReplacement("Answer!"), STOP]
    assert joined(run(ThoughtInText(), events)) == [TextDelta(f"{SHOWN}Answer!"), STOP]
    assert run(ThoughtInText(), [TextReplacement("Answer")]) == [TextReplacement("Answer")]


def test_what_was_shown_can_be_told_apart_again():
    events = run(ThoughtInText(), [ReasoningDelta("why"), TextDelta("Answer"), STOP])
    assert joined(run(LeadingThought(), events)) == [ReasoningDelta("why"), TextDelta("Answer"), STOP]
