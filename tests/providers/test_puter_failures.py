"""What Puter's refusals mean for the caller, the token and the next attempt."""

import json
from typing import Any

import pytest

from core.chat.errors import Blame, Retry, UpstreamError
from core.providers.puter.failures import from_answer, from_vendor, in_band
from tests.support.puter import Capture, captures
from tests.support.recordings import Recording, recordings

RECORDINGS = {
    name: recording for name, recording in recordings("puter").items() if recording.expect["http"]["status"] != 200
}
CAPTURES = {name: capture for name, capture in captures().items() if capture.status != 200}
BLAMES = {
    "none": Blame.NOTHING,
    "disable": Blame.DISABLE,
    "cooldown_until_quota_reset": Blame.QUOTA,
    "cooldown_short": Blame.COOL,
    "limit_concurrency": Blame.COOL,
}
JSON = {"content-type": "application/json; charset=utf-8"}


def refused(status: int, code: str, message: str = "No.", **fields: Any) -> UpstreamError:
    body = {"error": message, "message": message, "code": code, **fields}
    return from_answer(status, JSON, json.dumps(body).encode())


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=RECORDINGS)
def test_recorded_refusals(recording: Recording) -> None:
    expect, http = recording.expect["error"], recording.expect["http"]
    error = from_answer(http["status"], http["headers"], recording.raw)
    assert (error.status, error.type, error.code) == (
        expect["client_status"],
        expect["openai_type"],
        expect["openai_code"],
    )
    assert expect["message_contains"] in error.message
    assert error.blame is BLAMES[expect["account_action"]]
    assert (error.retry is Retry.OTHER_TOKEN) is expect["retryable_other_account"]


@pytest.mark.parametrize(
    ("number", "status", "code", "blame", "retry"),
    [
        (
            "07c_chat_legacy_driver_openai_completion",
            502,
            "upstream_contract_changed",
            Blame.NOTHING,
            Retry.OTHER_ROUTE,
        ),
        ("30_err_bad_model", 404, "model_not_found", Blame.NOTHING, Retry.OTHER_ROUTE),
        ("31_err_no_messages", 400, "upstream_rejected_request", Blame.NOTHING, Retry.NEVER),
        ("32_err_messages_string", 502, "upstream_http_500", Blame.NOTHING, Retry.SAME),
        ("34_err_no_token", 503, "upstream_credentials_unavailable", Blame.DISABLE, Retry.OTHER_ROUTE),
        ("35_err_garbage_token", 503, "upstream_credentials_unavailable", Blame.DISABLE, Retry.OTHER_TOKEN),
        ("35c_err_suspended", 503, "upstream_credentials_unavailable", Blame.DISABLE, Retry.OTHER_TOKEN),
        ("43_err_root_host", 502, "upstream_contract_changed", Blame.NOTHING, Retry.OTHER_ROUTE),
        ("46_err_insufficient_funds_stream", 429, "insufficient_quota", Blame.QUOTA, Retry.OTHER_TOKEN),
        ("47_err_upstream_400", 400, "upstream_rejected_request", Blame.NOTHING, Retry.NEVER),
        ("47_err_upstream_401", 502, "upstream_auth_failed", Blame.NOTHING, Retry.OTHER_ROUTE),
        ("47_err_upstream_404", 400, "upstream_rejected_request", Blame.NOTHING, Retry.NEVER),
        ("47_err_upstream_429", 429, "upstream_rate_limited", Blame.NOTHING, Retry.OTHER_ROUTE),
        ("47_err_upstream_500", 503, "upstream_unavailable", Blame.NOTHING, Retry.OTHER_ROUTE),
        ("49g_app_token_drivers_call", 503, "upstream_credentials_unavailable", Blame.DISABLE, Retry.OTHER_TOKEN),
        ("95_err_rate_limited", 429, "rate_limited", Blame.COOL, Retry.OTHER_TOKEN),
        ("96_err_concurrency_2", 429, "rate_limited", Blame.COOL, Retry.OTHER_TOKEN),
        ("98_bigbody_413", 413, "request_too_large", Blame.NOTHING, Retry.NEVER),
    ],
)
def test_captured_refusals(number: str, status: int, code: str, blame: Blame, retry: Retry) -> None:
    error = failed(CAPTURES[number])
    assert (error.status, error.code, error.blame, error.retry) == (status, code, blame, retry)


def failed(capture: Capture) -> UpstreamError:
    return from_answer(capture.status, capture.headers, capture.body)


def test_every_captured_refusal_is_told_without_the_attempts_behind_it() -> None:
    for capture in CAPTURES.values():
        message = failed(capture).message
        assert "attempts" not in message
        assert "some_code" not in message
        assert "openai-completion" not in message or capture.name.startswith("07c")


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (403, "phone_verification_required", "Verify", (503, "upstream_credentials_unavailable", Blame.DISABLE)),
        (403, "card_verification_required", "Verify", (503, "upstream_credentials_unavailable", Blame.DISABLE)),
        (403, "app_or_api_token_required", "No app", (503, "upstream_credentials_unavailable", Blame.DISABLE)),
        (403, "app_blocked", "Blocked", (503, "upstream_credentials_unavailable", Blame.DISABLE)),
        (403, "permission_denied", "Permission denied.", (503, "upstream_credentials_unavailable", Blame.DISABLE)),
        (403, "forbidden", "Prompt blocked by policy", (400, "content_filter", Blame.NOTHING)),
        (402, "subscription_required", "Subscribe", (403, "subscription_required", Blame.NOTHING)),
        (400, "bad_request", "Missing or invalid `method`", (400, "upstream_rejected_request", Blame.NOTHING)),
        (400, "client_bad_json", "Malformed JSON", (400, "upstream_rejected_request", Blame.NOTHING)),
        (400, "upstream_failed", "All AI providers failed", (502, "upstream_failed", Blame.NOTHING)),
        (418, "unheard_of", "I am a teapot", (502, "upstream_bad_response", Blame.NOTHING)),
        (429, "unheard_of", "Slow down", (429, "rate_limited", Blame.COOL)),
    ],
)
def test_codes_that_were_not_captured(status: int, code: str, message: str, expected: Any) -> None:
    error = refused(status, code, message)
    assert (error.status, error.code, error.blame) == expected


def test_a_withheld_answer_is_a_refusal() -> None:
    error = refused(400, "bad_request", "message is not allowed", errorCode="moderation_flagged")
    assert (error.status, error.code, error.retry) == (400, "content_filter", Retry.NEVER)


def test_how_long_to_wait() -> None:
    assert refused(429, "too_many_requests", "Too many concurrent requests.").retry_after == 1
    assert refused(429, "too_many_requests", "Too many requests.").retry_after == 10
    assert refused(429, "upstream_rate_limited").retry_after is None
    body = json.dumps({"code": "db_unavailable", "message": "Later."}).encode()
    assert from_answer(503, {**JSON, "retry-after": "7"}, body).retry_after == 7
    assert from_answer(503, JSON, body).retry_after == 5


def test_the_model_is_named_as_what_is_wrong() -> None:
    assert refused(400, "bad_request", "Model not found: m").param == "model"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 502, "upstream_http_500"),
        (b"[]", 502, "upstream_http_500"),
        (b'{"code":"not_found"', 502, "upstream_http_500"),
        (b'{"code":7}', 502, "upstream_http_500"),
        (b"<html><title>Just a moment", 502, "upstream_challenge"),
        (b"\xff\xfe", 502, "upstream_http_500"),
    ],
)
def test_bodies_that_are_not_puters(body: bytes, status: int, code: str) -> None:
    error = from_answer(500, {"content-type": "text/plain"}, body)
    assert (error.status, error.code) == (status, code)


# what a model's vendor said


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("terminated", (502, "upstream_stream_error", Retry.SAME)),
        ("429 upstream says 429", (429, "upstream_rate_limited", Retry.OTHER_ROUTE)),
        ("401 no such key", (503, "upstream_unavailable", Retry.OTHER_ROUTE)),
        ("402 Insufficient Balance", (503, "upstream_unavailable", Retry.OTHER_ROUTE)),
        ("529 busy", (503, "upstream_unavailable", Retry.OTHER_ROUTE)),
        ("500 oops", (503, "upstream_unavailable", Retry.OTHER_ROUTE)),
        ("404 model: m not found", (400, "upstream_rejected_request", Retry.NEVER)),
        ("400 prompt is too long: 9 tokens > 8", (400, "context_length_exceeded", Retry.NEVER)),
        ("400 Your credit balance is too low, see Plans & Billing", (503, "upstream_unavailable", Retry.OTHER_ROUTE)),
    ],
)
def test_a_vendors_failure_is_never_our_tokens(message: str, expected: Any) -> None:
    error = from_vendor(message)
    assert (error.status, error.code, error.retry) == expected
    assert error.blame is Blame.NOTHING
    assert in_band({"type": "error", "message": message}).__dict__ == error.__dict__


@pytest.mark.parametrize(
    ("prefix", "kind", "expected"),
    [
        ("400 ", "invalid_request_error", (400, "upstream_rejected_request")),
        ("", "overloaded_error", (503, "upstream_unavailable")),
        ("", "rate_limit_error", (429, "upstream_rate_limited")),
    ],
)
def test_json_in_a_vendors_message_is_read(prefix: str, kind: str, expected: Any) -> None:
    said = json.dumps({"type": "error", "error": {"type": kind, "message": "Sorry."}, "request_id": "req_1"})
    error = from_vendor(prefix + said)
    assert (error.status, error.code, error.message) == (*expected, "Sorry.")


def test_a_long_message_is_read_before_it_is_shortened() -> None:
    said = json.dumps({"type": "error", "error": {"details": "x" * 600, "message": "Sorry."}})
    assert refused(400, "upstream_bad_request", f"400 {said}").message == "Sorry."


def test_a_vendors_empty_purse_is_not_ours() -> None:
    error = refused(400, "upstream_bad_request", "400 You have insufficient_quota", attempts=[{"provider": "x"}])
    assert (error.status, error.blame) == (503, Blame.NOTHING)


# failures inside a success


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"error": {"code": "insufficient_funds", "message": "Broke."}}, (429, "insufficient_quota", "Broke.")),
        (
            {"success": False, "error": {"code": "token_auth_failed", "message": "Who?"}},
            (503, "upstream_credentials_unavailable", "Who?"),
        ),
        (
            {"success": False, "error": {"code": "strange", "message": "Hm.", "status": 429}},
            (429, "rate_limited", "Hm."),
        ),
        ({"success": False, "error": "Hm."}, (502, "upstream_stream_error", "Hm.")),
        ({"success": False}, (502, "upstream_stream_error", "The upstream reported an error.")),
        ({"error": "Gone.", "message": "Gone.", "code": "not_found"}, (502, "upstream_contract_changed", "Gone.")),
        ({"type": "error"}, (502, "upstream_stream_error", "The upstream reported an error.")),
        ({"type": "error", "error": {"code": "too_many_requests", "message": "Slow."}}, (429, "rate_limited", "Slow.")),
        (
            {"success": True, "result": {}, "metadata": {"usage_limited": True}},
            (429, "insufficient_quota", "The upstream has no usage left for this account."),
        ),
    ],
)
def test_failures_in_every_form_there_ever_was(said: Any, expected: Any) -> None:
    error = in_band(said)
    assert error is not None
    assert (error.status, error.code, error.message) == expected


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"type": "text", "text": "error"},
        {"type": "usage", "usage": {}},
        {"success": True, "result": {}, "metadata": {"usage_limited": False}},
        {"success": True, "result": {}, "error": None, "metadata": "x"},
    ],
)
def test_everything_else_is_no_failure(said: Any) -> None:
    assert in_band(said) is None
