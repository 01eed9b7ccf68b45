"""Pictures from words."""

from __future__ import annotations

import binascii
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.events import Usage
from core.chat.media import ImageRequest, Picture, Pictures
from core.chat.ports import Token
from core.chat.requests import Json
from core.dialects import terms
from core.dialects.answers import having
from core.dialects.dataurls import is_remote
from core.dialects.pictures import sniffed
from core.providers.openai.connection import Connection, offers_no
from core.wire.client import HttpClient

LARGEST: Final = 32 * 1024 * 1024
_ESSENTIAL: Final = frozenset({"model", "prompt"})
_WITHOUT_EFFECT: Final = frozenset({"response_format", "user", "safety_identifier"})


async def make_images(connection: Connection, request: ImageRequest, token: Token) -> Pictures:
    body = _body(request)
    answer, left_out = await connection.ask_leniently(
        "/images/generations",
        token,
        body,
        ours={"response_format"},
        others=body.keys() - _ESSENTIAL,
        absent=offers_no("images"),
        once=True,
    )
    entries = having(answer, "data")["data"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UpstreamBadResponse("The upstream answered with images that are none.")
    if not entries:
        raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
    pictures = [_picture(entry) for entry in entries]
    if request.as_bytes:
        pictures = [await _held(picture, connection.http) for picture in pictures]
    ignored = tuple(name for name in left_out if name not in _WITHOUT_EFFECT)
    return Pictures(tuple(pictures), _usage(answer.get("usage")), ignored)


def _body(request: ImageRequest) -> dict[str, Json]:
    """A parameter that says no more than its default is not sent: fewer are refused."""
    body = {**request.parameters, "model": request.model, "prompt": request.prompt}
    if request.n != 1:
        body["n"] = request.n
    if request.size is not None:
        body["size"] = "{}x{}".format(*request.size)
    if request.as_bytes:
        body["response_format"] = "b64_json"
    return body


def _picture(entry: Mapping[str, Json]) -> Picture:
    url, content = entry.get("url"), entry.get("b64_json")
    if isinstance(content, str) and content:
        url = content if content.startswith("data:") else f"data:{_media_type(content)};base64,{content}"
    if not isinstance(url, str) or not (is_remote(url) or url.startswith("data:")):
        raise UpstreamBadResponse("The upstream answered with an image that is neither here nor anywhere else.")
    return Picture(url, str(entry.get("revised_prompt") or ""))


def _media_type(content: str) -> str:
    try:
        return sniffed(binascii.a2b_base64(content[:64])) or "image/png"
    except ValueError:
        raise UpstreamBadResponse("The upstream answered with an image that is no base64.") from None


async def _held(picture: Picture, http: HttpClient) -> Picture:
    """`picture` with all its bytes in its URL."""
    if not is_remote(picture.url):
        return picture
    media_type, content = await http.fetch(picture.url, limit=LARGEST)
    url = f"data:{sniffed(content) or media_type or 'image/png'};base64,{b64encode(content).decode('ascii')}"
    return picture._replace(url=url)


def _usage(given: Json) -> Usage | None:
    return terms.usage(given.get("input_tokens"), given.get("output_tokens")) if isinstance(given, dict) else None
