"""Names of models with `*` in them."""

import pytest

from core.chat.wildcards import chosen, matches


@pytest.mark.parametrize(
    ("pattern", "model", "fits"),
    [
        ("llama3", "llama3", True),
        ("llama3", "llama3.1", False),
        ("llama*", "llama3.1:8b", True),
        ("llama*", "Llama3", False),
        ("*", "", True),
        ("*:8b", "llama3:8b", True),
        ("*:8b", "8b", False),
        ("a*b*c", "abc", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("org/*-free", "org/some/model-free", True),
    ],
)
def test_a_star_stands_for_anything(pattern, model, fits):
    assert matches(pattern, model) is fits


def test_a_choice_is_all_none_or_those_that_go_by_a_name():
    assert chosen(True, "a")
    assert not chosen(False, "a")
    assert chosen(("x", "b*"), "a", "b1")
    assert not chosen(("x", "b*"), "a", "c")
