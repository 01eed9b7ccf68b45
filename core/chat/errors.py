"""Everything that can go wrong, as the caller sees it.

    ChatError                         status, type, code, param, retry_after: what the answer says
    ├── InvalidRequest                400: the caller's fault, `param` names the field
    ├── InvalidKey                    401
    ├── NotAllowed                    403: this key may not use this model
    ├── UnknownModel                  404
    ├── RequestTooLarge               413
    ├── RateLimited                   429: our own limit, or every token is cooling
    ├── Unavailable                   503: we cannot serve now (no usable token, no configuration)
    └── UpstreamError                 a provider failed; also says what that means for token, route and retry
        ├── UpstreamUnreachable       502: refused, reset, DNS, TLS
        ├── UpstreamTimeout           504
        ├── UpstreamBadResponse       502: an answer we cannot read
        └── UpstreamTruncated         502: the answer stopped without a lawful end

`ConfigError` stands apart: it is for whoever deploys, never for a caller.
A message may quote the upstream, so it passes the redactor before it leaves; see `core.chat.redact`.
"""

from __future__ import annotations

from enum import Enum, auto


class ChatError(Exception):
    """A failure with an honest HTTP status. `retry_after` is in seconds.

    `costly`: it may have cost money already, so that no client should try again by itself.
    """

    status = 500
    type = "server_error"
    code: str | None = "internal_error"
    costly = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002  # the field's name in OpenAI's error object
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status or self.status
        self.type = type or self.type
        self.code = code or self.code
        self.param = param
        self.retry_after = retry_after


class InvalidRequest(ChatError):
    status = 400
    type = "invalid_request_error"
    code = None


class InvalidKey(ChatError):
    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class NotAllowed(ChatError):
    status = 403
    type = "permission_error"
    code = "model_not_allowed"


class UnknownModel(ChatError):
    status = 404
    type = "invalid_request_error"
    code = "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The model `{model[:200]}` does not exist here; GET /v1/models lists those that do.", param="model"
        )


class RequestTooLarge(ChatError):
    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class RateLimited(ChatError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limited"


class Unavailable(ChatError):
    status = 503
    type = "server_error"
    code = "configuration_unavailable"


class Blame(Enum):
    """What a failure says about the token that was used."""

    NOTHING = auto()
    COOL = auto()
    """Too fast: rest until `retry_after`, or for a growing while."""
    QUOTA = auto()
    """Nothing left to spend: rest for an hour, then try once an hour."""
    DENY = auto()
    """Not allowed this model: not used for it again until its secret changes."""
    DISABLE = auto()
    """Refused for good: not used again until its secret changes."""


class Retry(Enum):
    """Who else could still answer, before anything has reached the caller."""

    NEVER = auto()
    """Nobody: the request itself is at fault."""
    SAME = auto()
    """The same route may do better a moment later."""
    OTHER_TOKEN = auto()
    """The same upstream with another token."""
    OTHER_ROUTE = auto()
    """Only another upstream."""


class UpstreamError(ChatError):
    """A provider failed.

    `bench` is for how many seconds the whole upstream is better left alone, None where one failure proves nothing.
    `reached`: the request may have arrived there, and been carried out.
    """

    status = 502
    type = "upstream_error"
    code = "upstream_error"
    blame = Blame.NOTHING
    retry = Retry.SAME
    reached = True

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002  # the field's name in OpenAI's error object
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        blame: Blame | None = None,
        retry: Retry | None = None,
        bench: float | None = None,
    ) -> None:
        super().__init__(message, status=status, type=type, code=code, param=param, retry_after=retry_after)
        self.blame = blame or self.blame
        self.retry = retry or self.retry
        self.bench = bench


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"
    reached = False


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"
    retry = Retry.OTHER_ROUTE


class UpstreamBadResponse(UpstreamError):
    code = "upstream_bad_response"


class UpstreamTruncated(UpstreamError):
    code = "upstream_truncated"

    def __init__(self, message: str = "The upstream's answer stopped before its end.") -> None:
        super().__init__(message)


class ConfigError(Exception):
    """The configuration is wrong. `path` is the dotted name of the setting, `source` and `line` where it stands."""

    def __init__(self, message: str, *, path: str = "", line: int | None = None, source: str = "") -> None:
        place = f"{source}:{line}" if source and line else source
        super().__init__(": ".join(filter(None, (place, path, message))))
        self.message = message
        self.path = path
        self.line = line
        self.source = source
