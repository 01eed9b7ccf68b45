"""`GET /v1/models` and `GET /v1/models/{id}`, with ids that may hold slashes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.shared.access import authorize
from core.api.shared.errors import json_bytes
from core.api.shared.state import gateway_of
from core.chat.errors import UnknownModel
from core.chat.requests import Json
from core.gateway.catalogue import Listed

CREATED = 1_700_000_000
"""Upstreams rarely say when a model was made; clients only want a number."""

router = APIRouter()


@router.api_route("/v1/models", methods=["GET", "HEAD"])
async def list_models(request: Request) -> Response:
    await authorize(request)
    models = await gateway_of(request).list_models()
    return _json({"object": "list", "data": [_model(listed) for listed in models]})


@router.api_route("/v1/models/{model:path}", methods=["GET", "HEAD"])
async def retrieve_model(request: Request) -> Response:
    model = request.path_params["model"]  # as an argument it would cost every cold start a validator for it
    await authorize(request)
    for listed in await gateway_of(request).list_models():
        if listed.id == model:
            return _json(_model(listed))
    raise UnknownModel(model)


def _model(listed: Listed) -> Json:
    body: dict[str, Json] = {
        "id": listed.id,
        "object": "model",
        "created": CREATED,
        "owned_by": listed.info.owner or listed.provider,
    }
    if listed.info.context_length is not None:
        body["context_length"] = listed.info.context_length
    return body


def _json(body: Json) -> Response:
    return Response(json_bytes(body), media_type="application/json")
