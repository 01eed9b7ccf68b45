"""Who tries keys is noticed, and nobody else suffers for it."""

from __future__ import annotations

import logging

import pytest

from core.api.shared.guesses import MANY, MOST_ADDRESSES, WINDOW, Guesses


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_many_wrong_keys_an_address_is_told_to_wait() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    assert [guesses.wrong("192.0.2.1") for _ in range(MANY - 1)] == [None] * (MANY - 1)
    clock.now += 20
    assert guesses.wrong("192.0.2.1") == WINDOW - 20
    assert guesses.wrong("192.0.2.2") is None


def test_a_minute_later_all_is_forgotten() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(MANY):
        guesses.wrong("192.0.2.1")
    clock.now += WINDOW
    assert guesses.wrong("192.0.2.1") is None


def test_the_log_hears_of_it_once_and_not_the_address(caplog: pytest.LogCaptureFixture) -> None:
    guesses = Guesses(Clock())
    with caplog.at_level(logging.WARNING, "any2api"):
        for _ in range(3 * MANY):
            guesses.wrong("192.0.2.1")
    [entry] = caplog.records
    assert "wrong keys" in entry.getMessage()
    assert "192.0.2.1" not in entry.getMessage()


def test_many_addresses_do_not_fill_the_memory() -> None:
    guesses = Guesses(Clock())
    for number in range(MOST_ADDRESSES + 10):
        guesses.wrong(str(number))
    assert len(guesses._counts) <= MOST_ADDRESSES
