"""`POST /v1/embeddings`: texts, or texts as token ids, made into vectors."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.shared.about import about
from core.api.shared.access import authorize
from core.api.shared.ask import ask
from core.api.shared.body import read_json
from core.api.shared.errors import json_bytes
from core.api.shared.fields import bounded, invalid, number_within, take, take_choice, take_given, take_model
from core.api.shared.state import gateway_of, record_of
from core.chat.errors import UpstreamBadResponse
from core.chat.events import Usage
from core.chat.media import EmbeddingRequest, Embeddings
from core.chat.ports import EmbeddingProvider
from core.chat.requests import Json
from core.chat.tokens import weigh

MAX_INPUTS = 2048
MAX_DIMENSIONS = 65536

router = APIRouter()


class Asked(NamedTuple):
    """`as_base64`: vectors as little-endian floats of four bytes, which both official clients ask for unasked."""

    embedding: EmbeddingRequest
    as_base64: bool
    ignored: tuple[str, ...]


@router.post("/v1/embeddings")
async def embeddings(request: Request) -> Response:
    await authorize(request)
    asked = parse(await read_json(request, gateway_of(request).settings.max_body_bytes))
    wanted = asked.embedding
    made = await ask(
        request,
        EmbeddingProvider,
        wanted.model,
        lambda provider, model, token: provider.embed(wanted._replace(model=model), token),
    )
    check_dimensions(made, wanted.dimensions)
    record = record_of(request.scope)
    record.usage = usage = made.usage or estimate(wanted)
    headers = dict(about(record.provider, asked.ignored))
    if usage.estimated:
        headers["x-usage-estimated"] = "true"
    return Response(json_bytes(render(asked, made, usage)), 200, headers, "application/json")


def parse(body: dict[str, Json]) -> Asked:
    """Raises `InvalidRequest` naming the field."""
    given, ignored = take_given(body)
    model = take_model(given)
    inputs = _inputs(given.pop("input", None))
    number_within(given, "dimensions", int, 1, MAX_DIMENSIONS)
    dimensions = take(given, "dimensions", int)
    form = take_choice(given, "encoding_format", ("float", "base64"))
    return Asked(EmbeddingRequest(model, inputs, dimensions, given), form == "base64", ignored)


def check_dimensions(made: Embeddings, wanted: int | None) -> None:
    """Raises `InvalidRequest` where the model has its own idea of how long a vector is."""
    odd = next((len(vector) for vector in made.vectors if wanted is not None and len(vector) != wanted), None)
    if odd is not None:
        raise invalid("dimensions", f"cannot be chosen for this model: its vectors have {odd}", "unsupported_value")


def estimate(asked: EmbeddingRequest) -> Usage:
    weight = sum(weigh(given) if isinstance(given, str) else len(given) for given in asked.inputs)
    return Usage(max(ceil(weight), 1), 0, estimated=True)


def render(asked: Asked, made: Embeddings, usage: Usage) -> Json:
    encode = _base64 if asked.as_base64 else list
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(vector)}
            for index, vector in enumerate(made.vectors)
        ],
        "model": asked.embedding.model,
        "usage": {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens},
    }


def _inputs(given: Json) -> tuple[str, ...] | tuple[tuple[int, ...], ...]:
    inputs = [given] if isinstance(given, str) or _are_tokens(given) else given
    if not isinstance(inputs, list) or not inputs:
        raise invalid("input", "must be a string, or an array of strings or token ids")
    bounded(inputs, MAX_INPUTS, "input")
    if all(isinstance(text, str) and text for text in inputs):
        return tuple(inputs)
    if all(_are_tokens(tokens) for tokens in inputs):
        return tuple(tuple(tokens) for tokens in inputs)
    raise invalid("input", "may hold strings, token ids, or arrays of token ids: one kind of them, and none empty")


def _are_tokens(given: Json) -> bool:
    """Whether it is one text as token ids; True and False are no numbers here."""
    return isinstance(given, list) and set(map(type, given)) == {int}


def _base64(vector: Sequence[float]) -> str:
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except OverflowError:
        raise UpstreamBadResponse("The upstream answered with vectors of numbers beyond all measure.") from None
