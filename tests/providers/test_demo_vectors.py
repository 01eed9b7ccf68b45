"""Vectors that are near each other where texts are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from core.providers.demo.vectors import vector


def cosine(one: str | tuple[int, ...], other: str | tuple[int, ...]) -> float:
    return dot(vector(one), vector(other))


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("a cat sat", "the cat sat", "interest rates rose"),
        ("a cat", "two cats", "a loan"),
        ("我喜欢猫", "我喜欢小猫", "今天下雨了"),
        ((1, 2, 3), (1, 2, 4), (7, 8, 9)),
    ],
)
def test_what_is_alike_is_near(text: str, near: str, far: str) -> None:
    assert cosine(text, near) > cosine(text, far) + 0.1


def test_case_and_punctuation_make_no_difference() -> None:
    assert vector("Hello, World!") == vector("hello world")


@pytest.mark.parametrize("text", ["", " ", "!?", "👋", "\ud800", "word " * 500, (), (0,)])
@pytest.mark.parametrize("dimensions", [1, 2, 256, 1024])
def test_every_vector_has_length_one(text: str, dimensions: int) -> None:
    made = vector(text, dimensions)
    assert len(made) == dimensions
    assert math.isclose(dot(made, made), 1)


def test_it_is_the_same_in_every_process() -> None:
    assert vector("a", 16)[1] == pytest.approx(0.5**0.5)
    assert vector("a", 16)[14] == pytest.approx(-(0.5**0.5))
