"""What an upstream's complaints mean: the common map of `core.dialects.failures`, and a dialect's exceptions to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.chat.errors import UpstreamError
from core.chat.requests import Json
from core.dialects import failures
from core.dialects.failures import Detail


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """An error of HTTP status `status` whose text contains `contains` counts as one of status `becomes`.

    Without `status` it is any error; 200 is one within a stream that names no status of its own. `kind` is added to
    what the error says of its sort, and `code` is what the caller reads instead of ours.
    """

    becomes: int
    status: int | None = None
    contains: str = ""
    kind: str = ""
    code: str = ""

    def matches(self, status: int, words: str) -> bool:
        return self.status in {None, status} and self.contains.lower() in words.lower()


def from_answer(rules: Sequence[ErrorRule], status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The error for an HTTP answer that is no success."""
    text = body[:65536].decode("utf-8", "replace")
    if rules and not failures.is_html(headers.get("content-type", ""), text):
        detail = failures.detail_of(text) or Detail(f"The upstream answered {status} without a body.")
        if error := _ruled(rules, status, detail, failures.retry_after(headers)):
            return error
    return failures.from_answer(status, headers, body)


def from_event(rules: Sequence[ErrorRule], complaint: Json) -> UpstreamError:
    """The error for what an answer that began as a success says about its failure."""
    detail = failures.detail_of_json(complaint)
    if rules and detail and (error := _ruled(rules, detail.status or 200, detail)):
        return error
    return failures.from_event(complaint)


def _ruled(
    rules: Sequence[ErrorRule], status: int, detail: Detail, retry_after: float | None = None
) -> UpstreamError | None:
    words = f"{detail.kind} {detail.message}"
    rule = next((rule for rule in rules if rule.matches(status, words)), None)
    if rule is None:
        return None
    error = failures.from_status(rule.becomes, detail._replace(kind=f"{detail.kind} {rule.kind}".strip()), retry_after)
    error.code = rule.code or error.code
    return error
