"""The caller's key: where it may stand in a request, and what happens to wrong ones."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from core.api.shared.state import gateway_of, guesses_of, record_of
from core.chat.errors import ChatError, InvalidKey

DELAY = 0.05
"""Seconds that every refusal takes: nothing for a person, much for someone who tries keys."""
_HEADERS = ("authorization", "x-api-key", "api-key")
_QUERY_NAMES = ("key", "api_key", "api-key", "access_token", "token")


async def authorize(request: Request) -> None:
    """Raises `InvalidKey` unless the request carries a valid key as a Bearer token, `x-api-key` or `api-key`."""
    try:
        caller = await gateway_of(request).authorize(presented_key(request))
    except ChatError as error:
        if isinstance(error, InvalidKey):
            error.retry_after = guesses_of(request).wrong(request.client.host if request.client else "")
        await asyncio.sleep(DELAY)
        raise
    record_of(request.scope).caller = caller.label


def presented_key(request: Request) -> str | None:
    """The key in the request's headers; None where there is none, or where two contradict each other.

    Raises `InvalidKey` with a hint where it only stands in the URL.
    """
    headers = request.headers
    if any(len(headers.getlist(name)) > 1 for name in _HEADERS):
        return None
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if key and scheme.lower() == "bearer":
        return key.strip()
    if named := headers.get("x-api-key") or headers.get("api-key"):
        return named
    if any(name in request.query_params for name in _QUERY_NAMES):
        raise InvalidKey("A key does not belong in a URL; send it as `Authorization: Bearer KEY`.")
    return None
