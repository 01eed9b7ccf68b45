"""Patterns that others wrote: the same answer as an engine that backtracks, without its nights."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.emulation.patterns import LONGEST, Subject, UnknownSyntax, search


def found(pattern: str, text: str) -> bool:
    return search(pattern, Subject(text, lambda steps: None))


def steps(pattern: str, text: str) -> int:
    spent: list[int] = []
    search(pattern, Subject(text, spent.append))
    return sum(spent)


CASES = [
    (r"^\d{4}-\d{2}-\d{2}$", "2026-11-21", True),
    (r"^\d{4}-\d{2}-\d{2}$", "2026-11-2", False),
    (r"^[a-z0-9]+(?:-[a-z0-9]+)*$", "a-slug-9", True),
    (r"^[a-z0-9]+(?:-[a-z0-9]+)*$", "a--slug", False),
    (r"^(?=.*\d)(?!.*x).+$", "abc1", True),
    (r"^(?=.*\d)(?!.*x).+$", "abx1", False),
    (r"^(?<year>\d+)$", "2026", True),
    (r"a{2,}", "caab", True),
    (r"^a{1,2}$", "aaa", False),
    (r"^a{2}$", "aa", True),
    (r"x{,3}", "x{,3}", True),
    (r"^[^]$", "\n", True),
    (r"[]", "a", False),
    (r"^[\w.+-]+@[\w-]+\.\w+$", "a.b+c@example.org", True),
    (r"^[\]\-a]$", "-", True),
    (r"\bcat\b", "a cat.", True),
    (r"\bcat\b", "concat", False),
    (r"\Bcat", "concat", True),
    (r"^\x41\u0042\t$", "AB\t", True),
    (r"^(=|!)$", "=", True),
    (r"^(a|)b", "b", True),
    (r"^$", "", True),
    (r"^a$", "a\n", False),  # Python's $ would have it
    (r"^\d$", "٣", False),  # and its \d
    (r"^.$", "\u2028", False),
    (r"^\s$", "\ufeff", True),
    (r"^(a?){3}$", "aa", True),
    (r"^a+?$", "aaa", True),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_patterns_mean_what_they_mean_in_javascript(pattern: str, text: str, expected: bool) -> None:
    assert found(pattern, text) is expected


UNKNOWN = [
    *("(", ")", "a)", "[a", "*", "a**", "a{2}{3}", "(?<=a)b", "(?<!a)b", r"(a)\1", r"\p{L}", r"\k<n>", "\\", r"\u00"),
    *(r"\xg1", "[z-a]", r"[a-\d]", "(?i)a", r"\01", "a" * (LONGEST + 1), "(" * 31 + ")" * 31),
]


@pytest.mark.parametrize("pattern", UNKNOWN)
def test_what_is_wrong_or_beyond_us_is_said_to_be(pattern: str) -> None:
    with pytest.raises(UnknownSyntax):
        found(pattern, "a")


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a*)*b", "(a|aa)+$", "(a|a?)+b", "^((a+)+b?)*$", "((a?){50}){50}b"])
def test_no_pattern_takes_more_than_a_few_rounds_over_the_text(pattern: str) -> None:
    """Each of them keeps a backtracking engine busy for longer than anybody lives."""
    text = "a" * 500 + "!"
    assert steps(pattern, text) < 20 * len(text)


def test_each_try_is_a_step() -> None:
    assert steps("aab", "aaaa") == 4 + 5 + 4 + 3


def test_steps_are_reported_before_they_are_taken() -> None:
    def refuse(count: int) -> None:
        raise TimeoutError(count)

    with pytest.raises(TimeoutError, match="9"):
        search("a", Subject("a" * 9, refuse))


LETTERS = st.sampled_from(["a", "b", "c", "-", "[ab]", "[^a]", ".", r"\w", r"\d", "[a-c-]", "^", "$", r"\b"])


def grown(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeated = st.tuples(parts, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "+?"]))
    return st.one_of(
        st.lists(parts, min_size=1, max_size=3).map("".join),
        st.lists(parts, min_size=2, max_size=3).map(lambda each: f"(?:{'|'.join(each)})"),
        repeated.map(lambda pair: f"({pair[0]}){pair[1]}"),
        st.tuples(st.sampled_from(["?=", "?!"]), parts).map(lambda pair: f"({pair[0]}{pair[1]})"),
    )


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(st.recursive(LETTERS, grown, max_leaves=6), st.text("abc-1", max_size=7))
def test_the_same_is_found_as_by_pythons_own_engine(pattern: str, text: str) -> None:
    assert found(pattern, text) is bool(re.search(pattern, text))
