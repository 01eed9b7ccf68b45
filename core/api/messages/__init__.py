"""`POST /v1/messages` and `POST /v1/messages/count_tokens`: Anthropic's Messages, as Claude Code speaks them."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from core.api.messages.errors import anthropic_error
from core.api.messages.parse import Asked, parse
from core.api.messages.render import MessageRenderer
from core.api.shared.access import authorize
from core.api.shared.body import read_json
from core.api.shared.errors import OwnErrors, json_bytes
from core.api.shared.fields import invalid
from core.api.shared.reply import Reply
from core.api.shared.state import gateway_of
from core.gateway.usage import prompt_tokens

router = OwnErrors("/v1/messages", anthropic_error)


@router.post("/v1/messages")
async def messages(request: Request) -> Reply:
    asked = await _asked(request)
    if asked.chat.max_tokens is None:
        raise invalid("max_tokens", "is missing")
    return Reply(gateway_of(request), [asked.chat], MessageRenderer(asked.chat, asked.thinking), asked.ignored)


@router.post("/v1/messages/count_tokens")
async def count_tokens(request: Request) -> Response:
    """An estimate: no upstream is asked."""
    asked = await _asked(request)
    await gateway_of(request).check_model(asked.chat.model)
    return Response(json_bytes({"input_tokens": prompt_tokens(asked.chat)}), media_type="application/json")


async def _asked(request: Request) -> Asked:
    await authorize(request)
    return parse(await read_json(request, gateway_of(request).settings.max_body_bytes))
