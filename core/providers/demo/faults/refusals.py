"""Faults that are an HTTP status: the upstream refuses, honestly or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Final

from core.chat.requests import Json
from core.providers.demo.asked import Asked
from core.providers.demo.connection import JSON, Connection
from core.providers.demo.faults.fault import Fault, Script, behave
from core.providers.demo.replies import error

_HTML: Final = {"Content-Type": "text/html; charset=utf-8"}
_CHALLENGE: Final = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking you.</body></html>"
)
_REJECTABLE: Final = ("stream_options", "tools", "tool_choice", "response_format", "parallel_tool_calls")
_DATE_AHEAD: Final = 2.0


def refuse(status: int, body: bytes | Json, headers: Mapping[str, str] | None = None) -> Script:
    async def script(connection: Connection, _: Asked) -> None:
        await connection.reply(status, body, {**JSON, **(headers or {})})

    return script


def limit(retry_after: str | Callable[[], str] | None) -> Script:
    """A 429 with this Retry-After."""

    async def script(connection: Connection, _: Asked) -> None:
        value = retry_after() if callable(retry_after) else retry_after
        headers = JSON if value is None else {**JSON, "Retry-After": value}
        await connection.reply(429, _RATE, headers)

    return script


def every_other(script: Script) -> Script:
    async def alternate(connection: Connection, asked: Asked) -> None:
        await (script if connection.every_other(asked.model) else behave)(connection, asked)

    return alternate


async def reject_parameter(connection: Connection, asked: Asked) -> None:
    name = next((name for name in _REJECTABLE if name in asked.body), None)
    if name is None:
        await behave(connection, asked)
    else:
        await connection.reply(400, error(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name))


async def quote_credentials(connection: Connection, _: Asked) -> None:
    key = "sk-proj-0123456789abcdefghijklmnop"
    await connection.reply(
        500, error(f"Cannot log in at https://internal.invalid/?key={key} with {key}", "server_error")
    )


def _date() -> str:
    return formatdate(time.time() + _DATE_AHEAD, usegmt=True)


_RATE: Final = error("Rate limit reached for requests.", "rate_limit_error", "rate_limit_exceeded")
_QUOTA: Final = error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")
_BAD: Final = error("Something is wrong with 'messages'.", param="messages")
_CONTEXT: Final = error(
    "This model's maximum context length is 8 tokens.", code="context_length_exceeded", param="messages"
)
_FILTER: Final = error("The prompt was stopped by the content filter.", code="content_filter")
_KEY: Final = error("Incorrect API key provided.", code="invalid_api_key")
_FUNDS: Final = error("Insufficient Balance", "unknown_error", "invalid_request_error")
_DENIED: Final = error("Your key lacks the permission to use this model.", "permission_error")
_REGION: Final = error("This service is not offered in your country.", "unsupported_country")
_MODEL: Final = error("The model does not exist.", code="model_not_found", param="model")
_PATH: Final = b"404 page not found"
_SERVER: Final = error("The server had an error while processing your request.", "server_error")
_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_BUSY: Final = error("The engine is currently overloaded.", "overloaded_error")

NO_CREDENTIALS: Final = "503 upstream_credentials_unavailable"
LIMITED: Final = "429 rate_limited with Retry-After"
RETRIED: Final = "a normal answer, after a retry"

# fmt: off
REFUSALS: Final = (
    Fault("fault-http-400", "finds fault with the request",
          "400 upstream_rejected_request", refuse(400, _BAD)),
    Fault("fault-http-400-context", "finds the conversation too long",
          "400 context_length_exceeded", refuse(400, _CONTEXT)),
    Fault("fault-http-400-filter", "has its content filter stop the prompt",
          "400 content_policy_violation", refuse(400, _FILTER)),
    Fault("fault-http-400-parameter", f"rejects {', '.join(_REJECTABLE)}; answers without them",
          "400 naming the parameter, or a normal answer from a provider that learns to leave it out", reject_parameter),
    Fault("fault-http-401", "refuses the key",
          NO_CREDENTIALS, refuse(401, _KEY)),
    Fault("fault-http-402", "wants to be paid first",
          NO_CREDENTIALS, refuse(402, _FUNDS)),
    Fault("fault-http-403", "says that the key lacks a permission",
          NO_CREDENTIALS, refuse(403, _DENIED)),
    Fault("fault-http-403-region", "refuses for a reason that no key can change",
          "502 upstream_bad_response", refuse(403, _REGION)),
    Fault("fault-http-403-challenge", "shows an anti-bot page",
          "502 upstream_challenge", refuse(403, _CHALLENGE, {**_HTML, "cf-mitigated": "challenge"})),
    Fault("fault-http-404-model", "does not know the model it listed",
          "404 model_not_found", refuse(404, _MODEL)),
    Fault("fault-http-404-path", "has nothing at this path",
          "502 upstream_misconfigured", refuse(404, _PATH, {"Content-Type": "text/plain"})),
    Fault("fault-http-408", "says that we took too long",
          "504 upstream_timeout", refuse(408, error("Request timeout.", "server_error"))),
    Fault("fault-http-429", "asks for 2 s of rest",
          LIMITED, limit("2")),
    Fault("fault-http-429-once", "asks for 1 s of rest at every other request",
          RETRIED, every_other(limit("1"))),
    Fault("fault-http-429-no-header", "asks for rest and does not say how long",
          LIMITED, limit(None)),
    Fault("fault-http-429-date", f"asks for rest until a date, {_DATE_AHEAD:.0f} s from now",
          LIMITED, limit(_date)),
    Fault("fault-http-429-past", "asks for rest until a date long past",
          LIMITED, limit("Wed, 21 Oct 2015 07:28:00 GMT")),
    Fault("fault-http-429-huge", "asks for 10^9 s of rest",
          "429 rate_limited with an hour's Retry-After", limit("1000000000")),
    Fault("fault-http-429-negative", "asks for -5 s of rest",
          LIMITED, limit("-5")),
    Fault("fault-http-429-garbage", "asks for rest until “soon”",
          LIMITED, limit("soon")),
    Fault("fault-http-429-quota", "says with 429 that the quota is used up",
          "429 insufficient_quota", refuse(429, _QUOTA)),
    Fault("fault-http-500", "fails",
          "502 upstream_http_500", refuse(500, _SERVER)),
    Fault("fault-http-500-once", "fails at every other request",
          RETRIED, every_other(refuse(500, _SERVER))),
    Fault("fault-http-500-empty", "fails without a word",
          "502 upstream_http_500", refuse(500, b"")),
    Fault("fault-http-500-credentials", "quotes a key and an internal address in its error",
          "502 upstream_http_500 without the key and the address", quote_credentials),
    Fault("fault-http-502", "is down behind its proxy",
          "502 upstream_http_502", refuse(502, _GATEWAY, _HTML)),
    Fault("fault-http-503", "is overloaded",
          "503 upstream_http_503 with Retry-After", refuse(503, _BUSY)),
    Fault("fault-http-503-empty", "is overloaded and says nothing",
          "503 upstream_http_503 with Retry-After", refuse(503, b"")),
    Fault("fault-http-504", "times out behind its proxy",
          "502 upstream_http_504", refuse(504, b"")),
    Fault("fault-http-529", "is overloaded, in Anthropic's way",
          "503 upstream_http_529 with Retry-After", refuse(529, _BUSY)),
)
# fmt: on
