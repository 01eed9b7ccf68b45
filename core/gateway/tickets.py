"""What a caller holds of work that is not done yet: all that is needed to find it again, signed by us.

Nothing is kept here between two requests, so a job outlives the instance that began it, and any other can tell how
far it is. Whoever holds a valid key could sign one; it is no secret, and it opens nothing that the key does not.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from core.chat.errors import ChatError, UpstreamBadResponse
from core.chat.requests import Json
from core.gateway.keys import SIGNATURE_BYTES

LONGEST = 8192


class Ticket(NamedTuple):
    """A job at `provider`, begun with the token of that label. `about` is what its API wants to tell of it."""

    provider: str
    token: str
    model: str
    reference: str
    about: Mapping[str, Json]


def seal(ticket: Ticket, sign: Callable[[bytes], bytes]) -> str:
    """`ticket` as letters, digits, `-` and `_`. Raises `UpstreamBadResponse` where it would be too long for a URL."""
    content = zlib.compress(json.dumps(ticket, separators=(",", ":")).encode())
    sealed = base64.urlsafe_b64encode(sign(content) + content).decode().rstrip("=")
    if len(sealed) > LONGEST:
        error = UpstreamBadResponse("The upstream began the job under a name that is too long to be kept.")
        error.costly = True
        raise error
    return sealed


def unseal(text: str, is_signed: Callable[[bytes, bytes], bool]) -> Ticket:
    """The ticket in `text`. Raises `ChatError` (404) for anything that we did not sign."""
    try:
        sealed = base64.urlsafe_b64decode(text[:LONGEST] + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    signature, content = sealed[:SIGNATURE_BYTES], sealed[SIGNATURE_BYTES:]
    if not content or not is_signed(content, signature):
        raise unknown_job()
    return Ticket(*json.loads(zlib.decompress(content)))


def unknown_job() -> ChatError:
    return ChatError(
        "There is no such job here.", status=404, type="invalid_request_error", code="job_not_found", param="id"
    )
