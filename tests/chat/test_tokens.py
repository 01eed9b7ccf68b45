"""What a text weighs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.chat.tokens import beginning, weigh


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("我能吞下玻璃而不伤身体。", 11),
        ("Съешь же ещё этих мягких французских булок", 30),
    ],
)
def test_a_text_weighs_about_what_tokenizers_say(text, tokens):
    assert weigh(text) == pytest.approx(tokens, rel=0.25)


@settings(deadline=None)
@given(st.text(), st.text())
def test_a_text_weighs_what_its_parts_do(one, other):
    assert weigh(one + other) == weigh(one) + weigh(other)


@settings(deadline=None)
@given(st.text(), st.integers(0, 20))
def test_a_beginning_is_as_long_as_it_may_be(text, tokens):
    kept = beginning(text, tokens)
    assert text.startswith(kept)
    assert weigh(kept) <= tokens
    assert kept == text or weigh(text[: len(kept) + 1]) > tokens
