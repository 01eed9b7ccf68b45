"""What an upstream's refusal means to the caller, to the token and to whoever else could still answer."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.chat.errors import Blame, Retry
from core.dialects.failures import MAX_MESSAGE, from_answer, from_event, html_page, retry_after

TEXT = {"content-type": "application/json"}


def refused(status: int, body: Any = "", **headers: str) -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    return from_answer(status, {**TEXT, **{k.replace("_", "-"): v for k, v in headers.items()}}, content.encode())


@pytest.mark.parametrize(
    ("status", "error", "ours", "code", "blame", "retry"),
    [
        (401, {"message": "bad key"}, 503, "upstream_credentials_unavailable", Blame.DISABLE, Retry.OTHER_TOKEN),
        (402, {"message": "pay"}, 503, "upstream_credentials_unavailable", Blame.QUOTA, Retry.OTHER_TOKEN),
        (402, {"code": "subscription_required", "message": "A subscription is required"}, 403, "subscription_required",
         Blame.NOTHING, Retry.OTHER_TOKEN),
        (403, {"message": "key revoked"}, 503, "upstream_credentials_unavailable", Blame.DISABLE, Retry.OTHER_TOKEN),
        (403, {"message": "no"}, 502, "upstream_bad_response", Blame.NOTHING, Retry.SAME),
        (404, {"message": "no such model"}, 404, "model_not_found", Blame.NOTHING, Retry.OTHER_ROUTE),
        (404, {"message": "Not Found"}, 502, "upstream_misconfigured", Blame.NOTHING, Retry.OTHER_ROUTE),
        (400, {"message": "maximum context length is 8"}, 400, "context_length_exceeded", Blame.NOTHING, Retry.NEVER),
        (400, {"code": "content_filter", "message": "x"}, 400, "content_policy_violation", Blame.NOTHING, Retry.NEVER),
        (413, {"message": "big"}, 413, "request_too_large", Blame.NOTHING, Retry.NEVER),
        (422, {"message": "odd"}, 400, "upstream_rejected_request", Blame.NOTHING, Retry.NEVER),
        (429, {"message": "slow"}, 429, "rate_limited", Blame.COOL, Retry.OTHER_TOKEN),
        (429, {"code": "insufficient_quota", "message": "x"}, 429, "insufficient_quota", Blame.QUOTA,
         Retry.OTHER_TOKEN),
        (500, {"message": "oops"}, 502, "upstream_http_500", Blame.NOTHING, Retry.SAME),
        (503, {"message": "busy"}, 503, "upstream_http_503", Blame.NOTHING, Retry.SAME),
        (529, {"message": "busy"}, 503, "upstream_http_529", Blame.NOTHING, Retry.SAME),
        (307, {}, 502, "upstream_redirect_blocked", Blame.NOTHING, Retry.OTHER_ROUTE),
    ],
)  # fmt: skip
def test_statuses(status: int, error: Any, ours: int, code: str, blame: Blame, retry: Retry) -> None:
    failure = refused(status, {"error": error})
    assert (failure.status, failure.code, failure.blame, failure.retry) == (ours, code, blame, retry)


@pytest.mark.parametrize(
    "body",
    [{"error": {"message": "boom"}}, {"error": "boom"}, {"message": "boom"}, {"detail": "boom"},
     [{"error": {"message": "boom"}}],
     {"error": {"errorText": "boom"}}, "boom"],
)  # fmt: skip
def test_the_message_is_found_in_every_shape(body: Any) -> None:
    assert refused(500, body).message == "boom"


def test_fastapis_complaint_names_the_parameter() -> None:
    complaint = {"type": "literal_error", "loc": ["body", "encoding_format"], "msg": "Input should be 'float'"}
    failure = refused(422, {"detail": [complaint, {"msg": "another"}]})
    assert (failure.status, failure.message, failure.param) == (400, "Input should be 'float'", "encoding_format")


def test_an_empty_body_still_says_something_and_a_long_one_is_cut() -> None:
    assert refused(503).message == "The upstream answered 503 without a body."
    long = refused(500, "word " * 1_000).message
    assert MAX_MESSAGE - 10 < len(long) <= MAX_MESSAGE
    assert long.endswith("word …")


def test_a_web_page_where_an_answer_should_be_shows_its_words_only() -> None:
    page = "<html><head><style>p{}</style><script>steal()</script></head><body><p>We are <b>down</b></p></body></html>"
    failure = html_page(200, {}, page)
    assert (failure.status, failure.code) == (502, "upstream_bad_response")
    assert failure.message.endswith(": We are down")
    assert "web page" in refused(403, page, content_type="text/html").message


@pytest.mark.parametrize("headers", [{"cf_mitigated": "challenge"}, {}])
def test_an_anti_bot_page_benches_the_upstream(headers: dict[str, str]) -> None:
    page = "<html><title>Just a moment...</title></html>" if not headers else "<html></html>"
    failure = refused(403, page, content_type="text/html", **headers)
    assert (failure.code, failure.bench, failure.blame) == ("upstream_challenge", 600.0, Blame.NOTHING)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"error": {"message": "x", "code": 429}}, 429),
        ({"error": {"message": "x", "status": "RESOURCE_EXHAUSTED"}}, 429),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, 503),
        ({"error": {"type": "authentication_error", "message": "x"}}, 503),
        ({"error": {"message": "x", "code": "provider_quota_exceeded", "status": 400}}, 429),
        ("boom", 502),
        ({}, 502),
    ],
)
def test_error_events_are_taken_for_the_status_that_they_mean(event: Any, status: int) -> None:
    assert from_event(event).status == status


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2", 2.0), ("0", 1.0), ("-5", 1.0), ("1000000000", 3600.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0),
     ("soon", None), ("nan", None), ("", None)],
)  # fmt: skip
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}) == seconds


def test_retry_after_as_a_date_and_in_milliseconds() -> None:
    in_a_minute = retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60
    assert retry_after({"retry-after-ms": "2500", "retry-after": "9"}) == 2.5
    assert retry_after({}) is None


def test_a_403_about_a_model_denies_it_to_the_token_and_leaves_it_the_others() -> None:
    failure = refused(403, {"error": {"message": "Your key does not have access to model `m`."}})
    assert (failure.status, failure.blame) == (503, Blame.DENY)


@pytest.mark.parametrize(
    "words", ["API key not valid. Please pass one.", "Incorrect API key provided: x", "API key expired"]
)
def test_a_400_that_should_have_been_a_401_is_one(words: str) -> None:
    failure = refused(400, {"error": {"message": words}})
    assert (failure.status, failure.blame, failure.retry) == (503, Blame.DISABLE, Retry.OTHER_TOKEN)


def test_a_400_that_quotes_the_caller_says_nothing_about_the_token() -> None:
    failure = refused(400, {"error": {"message": "Invalid value: 'API key not valid'"}})
    assert (failure.status, failure.blame) == (400, Blame.NOTHING)


@pytest.mark.parametrize(
    ("status", "ours", "code", "blame"),
    [
        (302, 502, "upstream_redirect_blocked", Blame.NOTHING),
        (401, 503, "upstream_credentials_unavailable", Blame.DISABLE),
        (403, 502, "upstream_bad_response", Blame.NOTHING),
        (404, 502, "upstream_misconfigured", Blame.NOTHING),
        (413, 413, "request_too_large", Blame.NOTHING),
        (429, 429, "rate_limited", Blame.COOL),
        (500, 502, "upstream_http_500", Blame.NOTHING),
    ],
)
def test_a_web_page_keeps_the_meaning_of_its_status(status: int, ours: int, code: str, blame: Blame) -> None:
    page = "<html><head><title>Access Denied by nginx: no key, no model</title></head></html>"
    failure = refused(status, page, content_type="text/html", retry_after="9")
    assert (failure.status, failure.code, failure.blame) == (ours, code, blame)
    assert "nginx" not in failure.message
    assert failure.retry_after == (9 if status == 429 else None)


@pytest.mark.parametrize(
    ("body", "message"), [('{"error": "no"}', "no"), ("", "The upstream answered 500 without a body.")]
)
def test_what_is_only_called_a_web_page_is_none(body: str, message: str) -> None:
    assert refused(500, body, content_type="text/html").message == message


@pytest.mark.parametrize("before", range(480, 502))
def test_no_word_is_cut_in_two(before: int) -> None:
    """The redactor finds a secret only as a whole."""
    message = refused(500, {"error": "x" * (before - 1) + " tok_canary-123.456~789 and more words" * 3}).message
    assert "tok_canary-123.456~789" in message or "tok" not in message
    assert len(message) <= MAX_MESSAGE


def test_the_field_that_is_named_is_short_as_well() -> None:
    assert len(refused(400, {"error": {"message": "x", "param": "p " * 1000}}).param) <= 100


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = st.sampled_from(
    ["error", "message", "msg", "detail", "code", "status", "type", "param", "choices", "last_error"]
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "content-type", "cf-mitigated"]), st.text(max_size=30)
)


@given(
    status=st.integers(300, 999),
    headers=HEADERS,
    body=st.binary(max_size=60) | JSON.map(lambda v: json.dumps(v).encode()),
)
@example(status=429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 +99999999999999999999"}, body=b"")
@example(status=500, headers={}, body=b'{"error": {"code": "\xc2\xb2"}}')
@example(status=500, headers={}, body=b'{"error": {"code": "' + b"9" * 5000 + b'"}}')
@example(status=500, headers={}, body=b"[" * 5000)
def test_nothing_that_an_upstream_refuses_with_breaks_the_map(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    failure = from_answer(status, headers, body)
    assert 400 <= failure.status < 600
    assert failure.message
    assert failure.code
    assert failure.retry_after is None or 1 <= failure.retry_after <= 3600


@given(JSON)
def test_nothing_that_an_event_complains_of_breaks_the_map(complaint: Any) -> None:
    failure = from_event(complaint)
    assert 400 <= failure.status < 600
    assert failure.message
