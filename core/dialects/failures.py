"""What an upstream's refusal means: HTTP answers and in-band error objects become `UpstreamError`s.

The map is the gateway's contract: an upstream's 401 is never the caller's 401, a 5xx is our 502, and a caller's own
mistake (context length, content policy) stays a 400 that nobody retries.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isnan, nan
from typing import NamedTuple

from core.chat.errors import Blame, Retry, UpstreamBadResponse, UpstreamError
from core.chat.requests import Json

MAX_MESSAGE = 500
MAX_EXCERPT = 80
MAX_PARAM = 100
_CHALLENGE = re.compile(r"just a moment|attention required|verify you are (?:a )?human|captcha|cf-chl", re.IGNORECASE)
_CREDENTIAL = re.compile(r"key|token|permission|auth|forbidden|denied|account|suspend|credential|access", re.IGNORECASE)
_CONTEXT = re.compile(
    r"context.{0,10}(?:length|window)|maximum context|too many tokens|prompt is too long", re.IGNORECASE
)
_FILTERED = re.compile(r"content.{0,3}(?:filter|policy|management)|moderation|safety", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient_(?:quota|funds|balance)|quota_exceeded|billing|no usage left", re.IGNORECASE)
_MESSAGE_KEYS = ("message", "msg", "error", "errorText", "detail", "error_description")
_BAD_KEY = re.compile(
    r"(?:the )?(?:(?:incorrect|invalid) api.?key|api.?key (?:is )?(?:not valid|invalid|not found|expired))",
    re.IGNORECASE,
)
"""How a 400 begins that should have been a 401. Only its beginning counts: later a message may quote the caller."""

_STATUS = re.compile(r"[45][0-9][0-9]")
_CUT_WORD = re.compile(r"[\w.~+/=:-]*\Z", re.ASCII)
_INNER_STATUS = (
    (re.compile(r"overload", re.IGNORECASE), 529),
    (re.compile(r"rate.?limit|too.?many.?requests|resource_exhausted", re.IGNORECASE), 429),
    (re.compile(r"invalid_api_key|authentication|unauthori[sz]ed|unauthenticated", re.IGNORECASE), 401),
    (re.compile(r"permission", re.IGNORECASE), 403),
    (re.compile(r"model_not_found|not_found_error", re.IGNORECASE), 404),
    (re.compile(r"invalid_request|bad_request|invalid_argument", re.IGNORECASE), 400),
)


class Detail(NamedTuple):
    """What an error body says: `kind` is everything in it that names the sort of error, joined."""

    message: str
    kind: str = ""
    param: str | None = None
    status: int | None = None


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The error for an HTTP answer that is no success. `headers` by lower-case name."""
    text = body[:65536].decode("utf-8", "replace")
    if is_html(headers.get("content-type", ""), text):
        return html_page(status, headers, text)
    detail = detail_of(text) or Detail(
        f"The upstream answered {status}" + ("" if text.strip() else " without a body") + "."
    )
    return from_status(status, detail, retry_after(headers))


def from_status(status: int, detail: Detail, after: float | None = None) -> UpstreamError:  # noqa: C901  # a table
    """The error for a status and what was said with it; `after` is Retry-After in seconds."""
    message, kind, param, _ = detail
    words = f"{kind} {message}"
    if _QUOTA.search(words) and status in {200, 400, 402, 403, 429}:
        return UpstreamError(message, status=429, type="insufficient_quota", code="insufficient_quota",
                             retry_after=after, blame=Blame.QUOTA, retry=Retry.OTHER_TOKEN)  # fmt: skip
    match status:
        case 402 if "subscription" in kind:
            return UpstreamError(message, status=403, type="permission_error", code="subscription_required",
                                 retry=Retry.OTHER_TOKEN)  # fmt: skip
        case 401 | 402:
            return _no_credentials(message, Blame.DISABLE if status == 401 else Blame.QUOTA)
        case 403 if _CREDENTIAL.search(words):
            return _no_credentials(message, Blame.DENY if "model" in words.lower() else Blame.DISABLE)
        case 400 if _BAD_KEY.match(message):
            return _no_credentials(message, Blame.DISABLE)
        case 404 if "model" in words.lower():
            return UpstreamError(message, status=404, type="invalid_request_error", code="model_not_found",
                                 param="model", retry=Retry.OTHER_ROUTE)  # fmt: skip
        case 404 | 405 | 410:
            return _misconfigured(status)
        case 400 | 413 | 415 | 422:
            return _callers_fault(status, message, words, param)
        case 408:
            return UpstreamError(message, status=504, code="upstream_timeout")
        case 429:
            return UpstreamError(message, status=429, type="rate_limit_error", code="rate_limited",
                                 retry_after=after, blame=Blame.COOL, retry=Retry.OTHER_TOKEN)  # fmt: skip
        case 503 | 529:
            return UpstreamError(message, status=503, code=f"upstream_http_{status}", retry_after=after or 5.0)
        case _ if 300 <= status < 400:
            return UpstreamError("The upstream redirected us; redirects are not followed.",
                                 code="upstream_redirect_blocked", retry=Retry.OTHER_ROUTE)  # fmt: skip
        case _ if status >= 500:
            return UpstreamError(message, code=f"upstream_http_{status}")
        case _:
            return UpstreamBadResponse(f"{message} (The upstream's status was {status}.)")


def from_event(error: Json) -> UpstreamError:
    """The error for an error object, or bare string, inside an answer that began as a success."""
    detail = detail_of_json(error) or Detail("The upstream reported an error.")
    status = detail.status
    if status is None:
        status = next((code for pattern, code in _INNER_STATUS if pattern.search(detail.kind)), None)
    if _QUOTA.search(detail.kind):
        return from_status(429, detail)
    if status is None:
        return UpstreamError(detail.message, code="upstream_stream_error")
    return from_status(status, detail)


def html_page(status: int, headers: Mapping[str, str], text: str) -> UpstreamError:
    """The error for a web page where an answer should be; an anti-bot page benches the upstream."""
    if "cf-mitigated" in headers or _CHALLENGE.search(text):
        return UpstreamError("The upstream shows an anti-bot page, which this gateway does not solve.",
                             code="upstream_challenge", retry=Retry.OTHER_ROUTE, bench=600.0)  # fmt: skip
    if not 200 <= status < 300:
        return from_status(status, Detail("The upstream answered with a web page."), retry_after(headers))
    words = re.sub(r"<[^>]*>", " ", re.sub(r"(?is)<(script|style).*?</\1>", " ", text[:65536]))
    return UpstreamBadResponse(f"The upstream answered {status} with a web page: {_short(words, MAX_EXCERPT)}")


def is_html(content_type: str, text: str) -> bool:
    """Whether a body is markup; many a service calls its JSON or nothing at all text/html."""
    start = text.lstrip()[:15].lower()
    return start.startswith(("<!doctype", "<html")) or (
        "html" in content_type.lower() and start[:1] not in {"", "{", "["}
    )


def detail_of(text: str) -> Detail | None:
    """What an error body says; None for an empty one. A body that is no JSON is its own message."""
    try:
        return detail_of_json(json.loads(text))
    except (ValueError, RecursionError):
        return Detail(_short(text)) if text.strip() else None


def detail_of_json(body: Json) -> Detail | None:
    """What an error value says, in any of the shapes that services use; None where it says nothing."""
    body = _first(body)
    if isinstance(body, str):
        return Detail(_short(body)) if body.strip() else None
    if not isinstance(body, dict):
        return None
    inners = (_first(body.get(key)) for key in ("error", "last_error", "detail"))
    inner = next((inner for inner in inners if isinstance(inner, dict)), body)
    names = [inner.get(key) for key in ("type", "code", "status", "error_type", "errorCode")]
    texts = (source.get(key) for source in (inner, body) for key in _MESSAGE_KEYS)
    message = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    kind = " ".join(name for name in names if isinstance(name, str))
    if not message and not kind:
        return None
    param = inner.get("param", _place(inner.get("loc")))
    return Detail(
        _short(message or kind), kind, _short(param, MAX_PARAM) if isinstance(param, str) else None, _status_in(inner)
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or a date), within 1 s to 1 h; None for garbage."""
    seconds = _number(headers.get("retry-after-ms", "")) / 1000
    if isnan(seconds):
        seconds = _number(headers.get("retry-after", ""))
    if isnan(seconds):
        try:
            seconds = parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time()
        except (KeyError, ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 1.0), 3600.0)


def _first(value: Json) -> Json:
    while isinstance(value, list) and value:
        value = value[0]
    return value


def _place(loc: Json) -> str | None:
    """The parameter that FastAPI complains of: the first of its "loc" is where in the request it stands."""
    return ".".join(map(str, loc[1:])) if isinstance(loc, list) else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def _status_in(error: Mapping[str, Json]) -> int | None:
    for key in ("status", "status_code", "http_status", "code"):
        value = error.get(key)
        number = int(value) if isinstance(value, str) and _STATUS.fullmatch(value) else value
        if isinstance(number, int) and not isinstance(number, bool) and 400 <= number < 600:
            return number
    return None


def _no_credentials(message: str, blame: Blame) -> UpstreamError:
    return UpstreamError(message, status=503, code="upstream_credentials_unavailable",
                         blame=blame, retry=Retry.OTHER_TOKEN)  # fmt: skip


def _misconfigured(status: int) -> UpstreamError:
    return UpstreamError(
        f"The upstream has nothing at this address ({status}); base_url should end where "
        "/chat/completions begins, usually in /v1.",
        code="upstream_misconfigured", retry=Retry.OTHER_ROUTE)  # fmt: skip


def _callers_fault(status: int, message: str, words: str, param: str | None) -> UpstreamError:
    code = None
    if _CONTEXT.search(words):
        code = "context_length_exceeded"
    elif _FILTERED.search(words):
        code = "content_policy_violation"
    elif status == 413:
        code = "request_too_large"
    return UpstreamError(message, status=413 if status == 413 else 400, type="invalid_request_error",
                         code=code or "upstream_rejected_request", param=param, retry=Retry.NEVER)  # fmt: skip


def _short(text: str, most: int = MAX_MESSAGE) -> str:
    """The beginning of `text` on one line. No word is cut in two, since the redactor knows a secret only as a whole."""
    text = " ".join(text.split())
    return text if len(text) <= most else _CUT_WORD.sub("", text[: most - 1]) + "…"
