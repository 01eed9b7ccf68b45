"""What Puter's refusals mean: flat bodies with a `code` and an honest status, older ones in a 200, and error lines.

Only `error` or `message` of a body is ever quoted; `attempts`, which names Puter's routes and keys, is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from core.chat.errors import Blame, Retry, UpstreamError
from core.chat.requests import Json
from core.dialects import failures
from core.dialects.failures import Detail

WINDOW = 10.0
"""Puter counts calls in windows of this many seconds."""


class _Verdict(NamedTuple):
    status: int
    code: str
    type: str = "upstream_error"
    blame: Blame = Blame.NOTHING
    retry: Retry = Retry.OTHER_ROUTE
    retry_after: float | None = None
    param: str | None = None

    def error(self, message: str, after: float | None = None) -> UpstreamError:
        return UpstreamError(
            message,
            status=self.status,
            type=self.type,
            code=self.code,
            param=self.param,
            retry_after=after or self.retry_after,
            blame=self.blame,
            retry=self.retry,
        )


_TOKEN_REFUSED = _Verdict(503, "upstream_credentials_unavailable", blame=Blame.DISABLE, retry=Retry.OTHER_TOKEN)
_QUOTA = _Verdict(429, "insufficient_quota", "insufficient_quota", Blame.QUOTA, Retry.OTHER_TOKEN)
_BLOCKED = _Verdict(400, "content_filter", "invalid_request_error", retry=Retry.NEVER)
_LIMITED = _Verdict(429, "rate_limited", "rate_limit_error", Blame.COOL, Retry.OTHER_TOKEN, WINDOW)
_NO_SUCH_MODEL = _Verdict(404, "model_not_found", "invalid_request_error", param="model")
_INVALID = _Verdict(400, "invalid_value", "invalid_request_error", retry=Retry.NEVER)
_VENDOR_LIMITED = _Verdict(429, "upstream_rate_limited", "rate_limit_error")
_VENDOR_DOWN = _Verdict(503, "upstream_unavailable")

_VERDICTS: Final = (
    ("token_missing", "", _TOKEN_REFUSED._replace(retry=Retry.OTHER_ROUTE)),
    ("token_auth_failed", "", _TOKEN_REFUSED),
    ("reauth_required", "", _TOKEN_REFUSED),
    ("email_confirmation_required", "", _TOKEN_REFUSED),
    ("email_must_be_confirmed", "", _TOKEN_REFUSED),
    ("phone_verification_required", "", _TOKEN_REFUSED),
    ("card_verification_required", "", _TOKEN_REFUSED),
    ("app_or_api_token_required", "", _TOKEN_REFUSED),
    ("app_blocked", "", _TOKEN_REFUSED),
    ("forbidden", "blocked by policy", _BLOCKED),
    ("forbidden", "", _TOKEN_REFUSED),
    ("permission_denied", "subscri", _Verdict(403, "model_requires_subscription", "permission_error",
                                              retry=Retry.OTHER_TOKEN)),
    ("permission_denied", "", _TOKEN_REFUSED),
    ("subscription_required", "", _Verdict(403, "subscription_required", "permission_error")),
    ("insufficient_funds", "", _QUOTA),
    ("error_400_from_delegate", "usage-limited", _QUOTA),
    ("not_found", "", _Verdict(502, "upstream_contract_changed", "configuration_error")),
    ("bad_request", "model not found", _NO_SUCH_MODEL),
    ("bad_request", "unsupported model", _NO_SUCH_MODEL),
    ("bad_request", "provider not", _NO_SUCH_MODEL),
    ("bad_request", "moderation_flagged", _BLOCKED),
    ("disallowed_value", "filtered", _BLOCKED),
    ("field_invalid", "", _INVALID),
    ("field_required", "", _INVALID._replace(code="missing_required_parameter")),
    ("invalid_engine", "", _INVALID._replace(param="model")),
    ("too_many_requests", "concurrent", _LIMITED._replace(retry_after=1.0)),
    ("too_many_requests", "", _LIMITED),
    ("upstream_rate_limited", "", _VENDOR_LIMITED),
    ("upstream_provider_unavailable", "", _VENDOR_DOWN),
    ("upstream_failed", "", _Verdict(502, "upstream_failed")),
    ("upstream_auth_failed", "", _Verdict(502, "upstream_auth_failed")),
    ("db_unavailable", "", _Verdict(503, "upstream_unavailable", retry=Retry.SAME, retry_after=5.0)),
)  # fmt: skip
"""By `code`, and by a word of the rest where one code means several things; the first match counts."""

_PARAMS: Final = {"text": "input"}
"""Arguments of Puter's that OpenAI calls by another name."""

_NUMBERED = re.compile(r"([45]\d\d) (.+)", re.DOTALL)


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The error for an HTTP answer that is no success."""
    said = _object(body.decode("utf-8", "replace"))
    known = _known(said, failures.retry_after(headers)) if said else None
    return known or failures.from_answer(status, headers, body)


def in_band(said: Mapping[str, Json]) -> UpstreamError | None:
    """The error that a value inside a successful answer reports, in any of the forms that Puter ever had."""
    if (metadata := said.get("metadata")) and isinstance(metadata, dict) and metadata.get("usage_limited") is True:
        return _QUOTA.error("The upstream has no usage left for this account.")
    error = said.get("error")
    if isinstance(error, dict):
        return _known(error) or failures.from_event(error)
    if said.get("type") == "error":
        return from_vendor(str(said.get("message") or error or "The upstream reported an error."))
    if error or said.get("success") is False:
        return _known(said) or failures.from_event(error or said)
    return None


def from_vendor(message: str, status: int | None = None) -> UpstreamError:
    """The error for what a model's vendor said to Puter, "429 {…}" or plain text. It is never our token's fault."""
    said = message
    if found := _NUMBERED.fullmatch(message):
        status, said = int(found[1]), found[2]
    if status is None:
        error = failures.from_event(_object(said) or said)
    else:
        error = failures.from_status(400 if status == 404 else status, failures.detail_of(said) or Detail(message))
    if error.code == "rate_limited":
        return _VENDOR_LIMITED.error(error.message)
    if error.code == "upstream_stream_error" or (error.status < 500 and error.blame is Blame.NOTHING):
        return error
    return _VENDOR_DOWN.error(error.message)


def blocked() -> UpstreamError:
    """The error for a prompt that Puter answers with nonsense, because it blocked it."""
    return _BLOCKED.error("The prompt was blocked by the upstream.")


def _known(said: Mapping[str, Json], after: float | None = None) -> UpstreamError | None:
    """The error for a body whose `code` is one of Puter's."""
    detail, code = failures.detail_of_json(said), said.get("code")
    if detail is None:
        return None
    if code == "upstream_bad_request":
        return from_vendor(str(said.get("message") or said.get("error")), 400)
    words = f"{detail.message} {said.get('errorCode')} {said.get('delegate')}".lower()
    verdict = next((verdict for name, word, verdict in _VERDICTS if name == code and word in words), None)
    if verdict and isinstance(key := said.get("key"), str):
        verdict = verdict._replace(param=_PARAMS.get(key, key))
    return verdict.error(detail.message, after) if verdict else None


def _object(text: str) -> dict[str, Json] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
