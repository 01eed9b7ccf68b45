from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dialects.surrogates import Surrogates


def joined(*pieces: str) -> list[str]:
    surrogates = Surrogates()
    return [*(surrogates.join(piece) for piece in pieces), surrogates.end()]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["Hello", " 你好 ", "🌍"], ["Hello", " 你好 ", "🌍", ""]),
        (["a\ud83d", "\ude00b"], ["a", "😀b", ""]),
        (["\ud83d", "", "\ude00"], ["", "", "😀", ""]),
        (["\ud83d\ude00"], ["😀", ""]),
        (["\ud83d", "\ude00\ud83d", "\ude01"], ["", "😀", "😁", ""]),
        (["你\ud83d", "好"], ["你", "�好", ""]),
        (["\ud83d", "plain"], ["", "�plain", ""]),
        (["\ud83d", "\ud83d", "\ude00"], ["", "�", "😀", ""]),
        (["\ude00a", "b\ude00c"], ["�a", "b�c", ""]),
        (["a\ud83d"], ["a", "�"]),
    ],
)
def test_halves_wait_for_each_other(pieces: list[str], expected: list[str]) -> None:
    assert joined(*pieces) == expected


@given(st.text(max_size=8), st.lists(st.integers(0, 16), max_size=4))
def test_text_cut_between_any_two_units_comes_out_whole(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    edges = [0, *sorted(2 * cut for cut in cuts), len(units)]
    pieces = [units[start:stop].decode("utf-16-le", "surrogatepass") for start, stop in pairwise(edges)]
    assert "".join(joined(*pieces)) == text
