"""Tags and headings within the text: found however they were cut, and nothing lost where they are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat.errors import UpstreamTruncated
from core.chat.events import Finish, ReasoningDelta, StreamEvent, TextDelta, TextReplacement, ToolCallStart
from core.dialects.inline import (
    SplitInlineReasoning,
    SplitThinkTags,
    StripPrefixUntil,
    Transform,
    TransformedDecoder,
    overlap,
)
from core.wire.frames import Frame


def run(transform: Transform, chunks: Iterable[str]) -> tuple[str, str]:
    """The visible text and the reasoning that `chunks` come to."""
    events: list[StreamEvent] = []
    for chunk in chunks:
        events += transform.feed(chunk)
    events += transform.end()
    assert all(isinstance(event, TextDelta | ReasoningDelta) and event.text for event in events)
    return (
        "".join(event.text for event in events if isinstance(event, TextDelta)),
        "".join(event.text for event in events if isinstance(event, ReasoningDelta)),
    )


THINKING = [
    ("<think>why</think>\n\nAnswer", "Answer", "why"),
    ("<think>\nwhy\n</think>\nAnswer", "Answer", "why"),
    ("\n<think>why</think>Answer", "Answer", "why"),
    ("Answer", "Answer", ""),
    ("\n\n Answer \n", "\n\n Answer \n", ""),
    ("Hi\n<think>why</think>\nyou", "Hi\n\nyou", "why"),
    ("<think>a</think><think>b</think>c", "c", "ab"),
    ("<think>never closed \n", "", "never closed \n"),
    ("<think></think>Answer", "Answer", ""),
    ("1 < 2, <thin and <thinker> and </think>", "1 < 2, <thin and <thinker> and </think>", ""),
    ("<<think>why<</think>>", "<>", "why<"),
    ("ends with <thi", "ends with <thi", ""),
    ("<think>ends with </thi", "", "ends with </thi"),
    ("", "", ""),
]


@pytest.mark.parametrize(("answer", "text", "reasoning"), THINKING)
def test_think_tags_are_reasoning_however_they_are_cut(answer: str, text: str, reasoning: str) -> None:
    assert run(SplitThinkTags(), [answer]) == (text, reasoning)
    assert run(SplitThinkTags(), answer) == (text, reasoning)
    for cut in range(len(answer)):
        assert run(SplitThinkTags(), [answer[:cut], answer[cut:]]) == (text, reasoning)


def test_another_tag_can_be_the_one() -> None:
    assert run(SplitThinkTags("thought"), "<thought>why</thought><think>") == ("<think>", "why")


def test_an_answer_may_begin_within_the_thinking() -> None:
    assert run(SplitThinkTags(inside=True), "\nwhy\n</think>\n\nAnswer") == ("Answer", "why")


@pytest.mark.parametrize(
    "answer", ["**Analysis Process:**\nstep 1\n\n**Answer:**\nDone", "**分析过程：**\nstep 1\n**回答：**\nDone"]
)
def test_headings_split_analysis_from_answer(answer: str) -> None:
    assert run(SplitInlineReasoning(), answer) == ("Done", "step 1")
    assert run(SplitInlineReasoning(), [answer]) == ("Done", "step 1")


def test_a_heading_of_the_other_language_does_not_close_the_analysis() -> None:
    assert run(SplitInlineReasoning(), "**Analysis Process:**a**回答：**b**Answer:**c") == ("c", "a**回答：**b")


def test_bold_text_that_is_no_heading_stays() -> None:
    assert run(SplitInlineReasoning(), "**Anal** **Answer:** yes") == ("**Anal** **Answer:** yes", "")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Hm.\n\nResponse:** The answer", "The answer"),
        ("Response:**x Response:** y", "x Response:** y"),
        ("no marker at all", "no marker at all"),
        ("0123456789Response:**just near enough", "just near enough"),
        ("0123456789-Response:**too far", "0123456789-Response:**too far"),
        ("Respons", "Respons"),
        ("Response:**", ""),
        ("", ""),
    ],
)
def test_a_preamble_goes_and_nothing_else(answer: str, text: str) -> None:
    for chunks in ([answer], list(answer), [answer[:7], answer[7:]]):
        assert run(StripPrefixUntil("Response:**", within=10), chunks) == (text, "")


def test_text_flows_at_once_when_the_preamble_is_decided() -> None:
    transform = StripPrefixUntil("M", within=2)
    assert transform.feed("ab") == []
    assert transform.feed("c") == [TextDelta("abc")]
    assert transform.feed("M") == [TextDelta("M")]


MARKERS = ["<think>", "</think>", "**Analysis Process:**", "**Answer:**", "**回答：**", "**分析过程：**", "Response:**"]
PIECES = st.lists(
    st.sampled_from([*MARKERS, "<", "think>", "</", "a", "b\n", "\n", " ", "**", "Answer:**"]), max_size=12
)
TRANSFORMS: list[Callable[[], Transform]] = [
    SplitThinkTags,
    lambda: SplitThinkTags(inside=True),
    SplitInlineReasoning,
    lambda: StripPrefixUntil("Response:**", within=12),
]


@given(PIECES, st.sampled_from(TRANSFORMS), st.data())
def test_no_way_of_cutting_changes_the_result(
    pieces: list[str], transform: Callable[[], Transform], data: st.DataObject
) -> None:
    answer = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
    chunks = [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    assert run(transform(), chunks) == run(transform(), [answer]) == run(transform(), answer)


@given(st.text(alphabet="</thinka \n"), st.booleans())
def test_no_more_is_held_back_than_a_tag_and_the_empty_line_before_it(answer: str, inside: bool) -> None:
    transform = SplitThinkTags(inside=inside)
    first = transform.feed("x")  # blank space at the very start of the thinking is dropped, not held
    said = len(first[0].text) if isinstance(first[0], TextDelta | ReasoningDelta) else 0
    for count, character in enumerate(answer, start=2):
        said += sum(
            len(event.text) for event in transform.feed(character) if isinstance(event, TextDelta | ReasoningDelta)
        )
        assert count - said <= len("\n\n</think")


class Scripted:
    """Decodes a frame to whatever the test says."""

    def __init__(self, script: dict[str, list[StreamEvent]]) -> None:
        self.finished = False
        self._script = script

    def decode(self, frame: Frame) -> list[StreamEvent]:
        events = self._script[frame.data]
        self.finished = any(isinstance(event, Finish) for event in events)
        return events

    def end(self) -> list[StreamEvent]:
        raise UpstreamTruncated


def test_the_decoder_around_a_transform_gives_what_was_held_before_it_finishes() -> None:
    decoder = TransformedDecoder(
        Scripted({"1": [TextDelta("a<thi")], "2": [ToolCallStart("c", "f")], "3": [Finish("stop")]}), SplitThinkTags
    )
    assert list(decoder.decode(Frame("1"))) == [TextDelta("a")]
    assert list(decoder.decode(Frame("2"))) == [ToolCallStart("c", "f")]
    assert not decoder.finished
    assert list(decoder.decode(Frame("3"))) == [TextDelta("<thi"), Finish("stop")]
    assert decoder.finished


def test_a_replaced_text_is_taken_apart_anew() -> None:
    decoder = TransformedDecoder(
        Scripted(
            {
                "1": [TextDelta("<think>hm</think>No")],
                "2": [TextReplacement("<think>hm</think>Yes<")],
                "3": [Finish("stop")],
            }
        ),
        SplitThinkTags,
    )
    assert list(decoder.decode(Frame("1"))) == [ReasoningDelta("hm"), TextDelta("No")]
    assert list(decoder.decode(Frame("2"))) == [TextReplacement("Yes")]
    assert list(decoder.decode(Frame("3"))) == [TextDelta("<"), Finish("stop")]


def test_a_cut_answer_stays_cut_behind_a_transform() -> None:
    decoder = TransformedDecoder(Scripted({}), SplitThinkTags)
    with pytest.raises(UpstreamTruncated):
        list(decoder.end())


def test_the_last_words_before_a_failure_are_not_lost() -> None:
    decoder = TransformedDecoder(Scripted({"1": [TextDelta("a<thi")]}), SplitThinkTags)
    assert list(decoder.decode(Frame("1"))) == [TextDelta("a")]
    events = decoder.end()
    assert next(events) == TextDelta("<thi")
    with pytest.raises(UpstreamTruncated):
        next(events)


@pytest.mark.parametrize(
    ("text", "tag", "length"),
    [("a<th", "<think>", 3), ("<think>", "<think>", 0), ("", "<think>", 0), ("aaa", "aab", 2)],
)
def test_overlap_is_the_longest_unfinished_tag(text: str, tag: str, length: int) -> None:
    assert overlap(text, tag) == length
