"""Pictures as bytes, for upstreams that follow no URL."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from core.chat.errors import InvalidRequest
from core.chat.requests import ChatRequest, ContentPart, Image, Message
from core.dialects.dataurls import is_remote
from core.wire.client import HttpClient
from core.wire.fetching import Fetched, FetchError

MOST: Final = 20
_MEBIBYTE: Final = 1024 * 1024
LARGEST: Final = 10 * _MEBIBYTE
LARGEST_TOGETHER: Final = 32 * _MEBIBYTE

_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


async def inlined(
    request: ChatRequest, http: HttpClient, *, most: int = MOST, wanted: Callable[[str], bool] = is_remote
) -> ChatRequest:
    """`request` with a data URL for each picture whose URL is `wanted`; `most` is how many these may be.

    Raises `InvalidRequest` naming a picture that cannot be had.
    """
    places = _places(request, wanted)
    if not places:
        return request
    if len(places) > most:
        raise _refused(f"At most {most} pictures of a request are fetched from their URLs.", "messages")
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_fetched(http, url, param)) for url, param in places.items()]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    pictures = [task.result() for task in tasks]
    if sum(len(content) for _, content in pictures) > LARGEST_TOGETHER:
        limit = LARGEST_TOGETHER // _MEBIBYTE
        raise _refused(f"The pictures that the URLs name are larger than {limit} MiB together.", "messages")
    urls = dict(zip(places, (_data_url(*picture) for picture in pictures), strict=True))
    return replace(request, messages=tuple(_with_urls(message, urls) for message in request.messages))


def sniffed(content: bytes) -> str:
    """The media type of a picture by its first bytes; empty where it is none that upstreams take."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for start, media_type in _STARTS if content.startswith(start)), "")


def _places(request: ChatRequest, wanted: Callable[[str], bool]) -> dict[str, str]:
    """Where each wanted URL stands first."""
    places: dict[str, str] = {}
    for turn, message in enumerate(request.messages):
        for place, part in enumerate(message.parts):
            if isinstance(part, Image) and wanted(part.url):
                places.setdefault(part.url, f"messages[{turn}].content[{place}].image_url")
    return places


async def _fetched(http: HttpClient, url: str, param: str) -> Fetched:
    try:
        fetched = await http.fetch(url, limit=LARGEST)
    except FetchError as error:
        raise _refused(error.message, param) from error
    if media_type := sniffed(fetched.content):
        return Fetched(media_type, fetched.content)
    raise _refused("What the URL names is no picture in PNG, JPEG, GIF or WebP.", param)


def _data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _with_urls(message: Message, urls: Mapping[str, str]) -> Message:
    if not isinstance(message.content, tuple):
        return message
    return replace(message, content=tuple(_with_url(part, urls) for part in message.content))


def _with_url(part: ContentPart, urls: Mapping[str, str]) -> ContentPart:
    return replace(part, url=urls.get(part.url, part.url)) if isinstance(part, Image) else part


def _refused(message: str, param: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_image_url", param=param)
