"""`POST /v1/images/generations`: pictures from words."""

from __future__ import annotations

import base64
import time
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.shared.about import about
from core.api.shared.access import authorize
from core.api.shared.ask import ask, default_model
from core.api.shared.body import read_json
from core.api.shared.errors import json_bytes
from core.api.shared.fields import invalid, number_within, take, take_choice, take_given, take_model, take_size
from core.api.shared.state import gateway_of, record_of
from core.chat.events import Usage
from core.chat.media import ImageRequest, Picture, Pictures
from core.chat.ports import ImageProvider
from core.chat.requests import Json

MAX_PICTURES = 10

router = APIRouter()


class Asked(NamedTuple):
    """`form` is url, b64_json, or None for whatever comes."""

    image: ImageRequest
    form: str | None
    ignored: tuple[str, ...]


@router.post("/v1/images/generations")
async def generations(request: Request) -> Response:
    await authorize(request)
    asked = parse(await read_json(request, gateway_of(request).settings.max_body_bytes))
    wanted = asked.image
    made = await ask(
        request,
        ImageProvider,
        wanted.model or await default_model(request, "image"),
        lambda provider, model, token: provider.make_images(wanted._replace(model=model), token),
        once=True,
    )
    record = record_of(request.scope)
    record.usage = made.usage
    headers = dict(about(record.provider, [*asked.ignored, *made.ignored]))
    return Response(json_bytes(render(made, asked.form)), 200, headers, "application/json")


def parse(body: dict[str, Json]) -> Asked:
    """Raises `InvalidRequest` naming the field. `model` may be missing."""
    given, ignored = take_given(body)
    model = take_model(given) if "model" in given else ""
    prompt = take(given, "prompt", str)
    if not prompt:
        raise invalid("prompt", "must say what to draw")
    number_within(given, "n", int, 1, MAX_PICTURES)
    n = take(given, "n", int) or 1
    size = take_size(given)
    form = take_choice(given, "response_format", ("url", "b64_json"))
    if take(given, "stream", bool):
        raise invalid("stream", "is not offered: pictures come when they are done", "unsupported_parameter")
    return Asked(ImageRequest(model, prompt, n, size, form == "b64_json", given), form, ignored)


def render(made: Pictures, form: str | None) -> Json:
    body = {"created": int(time.time()), "data": [_picture(picture, form) for picture in made.pictures]}
    return body if made.usage is None else {**body, "usage": _usage(made.usage)}


def _picture(picture: Picture, form: str | None) -> Json:
    """A data URL is one as well, for whoever wants a URL."""
    is_held = picture.url.startswith("data:") and form != "url"
    body = {"b64_json": _base64(picture.url)} if is_held else {"url": picture.url}
    return {**body, "revised_prompt": picture.revised_prompt} if picture.revised_prompt else body


def _base64(data_url: str) -> str:
    head, _, content = data_url.partition(",")
    return content if head.endswith(";base64") else base64.b64encode(unquote_to_bytes(content)).decode()


def _usage(usage: Usage) -> Json:
    """All that goes in here is text."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"text_tokens": usage.prompt_tokens, "image_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
