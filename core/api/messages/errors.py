"""An error as Anthropic's clients read it."""

from __future__ import annotations

from core.chat.errors import ChatError
from core.chat.requests import Json

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


NO_THREADS = "thread_unsupported_request"
"""By this code, in the details of an error, clients know that they must send whole conversations; then they do."""


def anthropic_error(error: ChatError) -> dict[str, Json]:
    """`{"type": "error", "error": {type, message}}`: the type says what the status says."""
    otherwise = "invalid_request_error" if error.status < 500 else "api_error"
    told: dict[str, Json] = {"type": _TYPES.get(error.status, otherwise), "message": error.message}
    if error.code == NO_THREADS:
        told["details"] = {"error_code": error.code, "unsupported": [error.param]}
    return {"type": "error", "error": told}
