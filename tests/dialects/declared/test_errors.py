"""A dialect's own exceptions to the common map of errors."""

from __future__ import annotations

import pytest

from core.chat.errors import Blame, UpstreamError
from core.dialects.declared.errors import ErrorRule, from_answer, from_event

JSON = {"content-type": "application/json"}
DAILY = ErrorRule(becomes=429, status=400, contains="daily LIMIT", kind="insufficient_quota", code="daily_limit")


def test_an_answer_that_matches_becomes_what_the_rule_says() -> None:
    error = from_answer([DAILY], 400, {**JSON, "retry-after": "7"}, b'{"error": "Daily limit reached"}')
    assert (error.status, error.type, error.code) == (429, "insufficient_quota", "daily_limit")
    assert (error.blame, error.retry_after, error.message) == (Blame.QUOTA, 7.0, "Daily limit reached")


@pytest.mark.parametrize(
    ("status", "body"), [(403, b'{"error": "Daily limit reached"}'), (400, b'{"error": "Something else"}')]
)
def test_an_answer_that_does_not_match_keeps_its_meaning(status: int, body: bytes) -> None:
    error, common = from_answer([DAILY], status, JSON, body), from_answer([], status, JSON, body)
    assert (error.status, error.code) == (common.status, common.code)
    assert error.code != "daily_limit"


def test_the_first_rule_that_matches_counts() -> None:
    rules = [ErrorRule(becomes=404, contains="model"), ErrorRule(becomes=503)]
    assert from_answer(rules, 400, JSON, b'{"error": "no such model"}').status == 404
    assert from_answer(rules, 400, JSON, b"").status == 503


def test_a_web_page_stays_a_web_page() -> None:
    error = from_answer([ErrorRule(becomes=429)], 403, {"content-type": "text/html"}, b"<html>Just a moment</html>")
    assert error.code == "upstream_challenge"


def test_within_a_stream_the_status_is_the_one_it_names_or_200() -> None:
    rules = [ErrorRule(becomes=503, status=400, contains="busy"), ErrorRule(becomes=429, status=200, contains="slow")]
    assert from_event(rules, {"status": 400, "message": "busy"}).status == 503
    assert from_event(rules, "slow down").status == 429
    assert from_event(rules, "busy").code == "upstream_stream_error"
    assert isinstance(from_event(rules, None), UpstreamError)
