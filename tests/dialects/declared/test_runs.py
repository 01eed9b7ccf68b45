"""Text as it grows: deltas, whole texts, and characters in halves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.dialects.declared.runs import Run


def test_deltas_go_through() -> None:
    run = Run()
    assert not run.any
    assert [run.add("Hel"), run.add("lo"), run.end()] == ["Hel", "lo", ""]
    assert run.any
    assert run.text == "Hello"


def test_half_a_character_waits_for_the_other() -> None:
    run = Run()
    assert [run.add("a\ud83d"), run.add("\ude00b"), run.add("\ud83d"), run.end()] == ["a", "😀b", "", "\ufffd"]


def test_of_a_whole_text_only_the_new_part_is_said() -> None:
    run = Run()
    assert [run.become("He"), run.become("Hello"), run.become("Hello"), run.become("Hello w")] == [
        "He",
        "llo",
        "",
        " w",
    ]


def test_a_character_shown_as_replacement_waits() -> None:
    run = Run()
    assert [run.become("\ufffd"), run.become("a\ufffd\ufffd"), run.become("a😀"), run.end()] == ["", "a", "😀", ""]


def test_nothing_but_a_replacement_takes_nothing_back() -> None:
    run = Run()
    assert [run.become("a"), run.become("\ufffd"), run.become("ab")] == ["a", "", "b"]


def test_a_replacement_that_stays_is_said_at_the_end() -> None:
    run = Run()
    assert [run.become("a\ufffd"), run.end(), run.text] == ["a", "\ufffd", "a\ufffd"]


def test_half_a_character_in_a_whole_text_waits() -> None:
    run = Run()
    assert [run.become("a\ud83d"), run.become("a😀"), run.end()] == ["a", "😀", ""]
    assert run.text == "a😀"


def test_what_is_taken_back_is_told() -> None:
    run = Run()
    assert [run.become("Helo"), run.become("Hello"), run.text] == ["Helo", None, "Hello"]
    assert run.become("Hello!") == "!"
    assert [run.become("Hel"), run.text] == [None, "Hel"]


def test_deltas_and_whole_texts_mix() -> None:
    run = Run()
    assert [run.add("Hel"), run.become("Hello"), run.add("!")] == ["Hel", "lo", "!"]


@given(st.text(), st.lists(st.integers(0, 40)))
def test_growing_whole_texts_say_the_text_once(text: str, lengths: list[int]) -> None:
    run = Run()
    said = [run.become(text[:length]) for length in sorted(lengths)] + [run.become(text), run.end()]
    assert "".join(part or "" for part in said) == run.text == text
