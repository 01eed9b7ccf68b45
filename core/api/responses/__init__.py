"""`POST /v1/responses`: OpenAI's Responses, without a memory."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.responses.render import ResponseRenderer
from core.api.shared.access import authorize
from core.api.shared.body import read_json
from core.api.shared.reply import Reply
from core.api.shared.responses import parse_responses
from core.api.shared.state import gateway_of
from core.chat.errors import ChatError

router = APIRouter()


@router.post("/v1/responses")
async def responses(request: Request) -> Reply:
    gateway = gateway_of(request)
    await authorize(request)
    body = await read_json(request, gateway.settings.max_body_bytes)
    chat, common = parse_responses(body)
    return Reply(gateway, [replace(chat, include_usage=chat.stream)], ResponseRenderer(body), common.ignored)


@router.api_route("/v1/responses/{id}", methods=["GET", "DELETE"])
async def stored_response(request: Request) -> Response:
    """Whoever asks for an answer again is told why there is none."""
    await authorize(request)
    raise ChatError(
        "Responses are not stored here; an answer is given once, and `input` is the whole conversation each time.",
        status=404,
        type="invalid_request_error",
        code="response_not_found",
        param="id",
    )
