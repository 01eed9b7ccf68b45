"""Texts made into vectors."""

from __future__ import annotations

import binascii
import sys
from array import array
from collections.abc import Sequence
from math import isfinite

from core.chat.errors import Retry, UpstreamBadResponse, UpstreamError
from core.chat.events import Usage
from core.chat.media import EmbeddingRequest, Embeddings
from core.chat.ports import Token
from core.chat.requests import Json
from core.dialects import terms
from core.dialects.answers import having
from core.providers.openai.connection import Connection, offers_no


async def embed(connection: Connection, request: EmbeddingRequest, token: Token) -> Embeddings:
    """Asks for base64, a fifth of the bytes that digits take; who has never heard of it sends digits."""
    body = {
        **request.parameters,
        "model": request.model,
        "input": list(request.inputs),
        "encoding_format": "base64",
    }
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    answer, _ = await connection.ask_leniently(
        "/embeddings", token, body, ours={"encoding_format"}, others={"user"}, absent=offers_no("embeddings")
    )
    vectors = _vectors(having(answer, "data")["data"], len(request.inputs))
    lengths = {len(vector) for vector in vectors}
    if request.dimensions is not None and lengths != {request.dimensions}:
        raise _not_heeded(request.dimensions, max(lengths))
    return Embeddings(vectors, _usage(answer.get("usage")))


def _vectors(entries: Json, inputs: int) -> tuple[Sequence[float], ...]:
    try:
        vectors = tuple(
            _vector(entry["embedding"]) for entry in sorted(entries, key=lambda entry: entry.get("index") or 0)
        )
    except (TypeError, AttributeError, LookupError, ValueError, OverflowError):
        raise UpstreamBadResponse("The upstream answered with embeddings that are no vectors.") from None
    if len(vectors) != inputs:
        raise UpstreamBadResponse(f"The upstream answered with {len(vectors)} embeddings for {inputs} inputs.")
    return vectors


def _vector(given: Json) -> Sequence[float]:
    """A vector, from its numbers or from the base64 of its little-endian floats of four bytes."""
    if isinstance(given, str):
        vector = array("f", binascii.a2b_base64(given, strict_mode=True))
        if sys.byteorder == "big":
            vector.byteswap()
    else:
        vector = array("d", given)
    if not vector or not isfinite(sum(vector)):
        raise ValueError("a vector has a length, and its numbers are finite")
    return vector


def _usage(given: Json) -> Usage | None:
    return terms.usage(given.get("prompt_tokens"), 0) if isinstance(given, dict) else None


def _not_heeded(wanted: int, length: int) -> UpstreamError:
    return UpstreamError(
        f"The vectors of this model have {length} dimensions, and cannot be made to have {wanted}.",
        status=400,
        type="invalid_request_error",
        code="unsupported_parameter",
        param="dimensions",
        retry=Retry.OTHER_ROUTE,
    )
