"""The first look at an HTTP answer, before anyone decodes it: is it a success, a web page, or JSON?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.media import Media
from core.chat.requests import Json
from core.dialects.failures import from_answer, from_event, html_page
from core.wire.client import HttpAnswer

_BLANK = b"\xef\xbb\xbf \t\r\n"


async def first_byte(answer: HttpAnswer) -> bytes:
    """The first byte that is no blank of a successful answer, if the first read brought one.

    Raises `UpstreamError` for any other status, and for a web page.
    """
    if not 200 <= answer.status < 300:
        raise from_answer(answer.status, answer.headers, await answer.read())
    start = (await answer.peek()).lstrip(_BLANK)[:1]
    if start == b"<":
        raise html_page(answer.status, answer.headers, (await answer.read()).decode("utf-8", "replace"))
    return start


async def json_body(answer: HttpAnswer) -> Json:
    """The JSON value that a successful answer is. Raises `UpstreamError` for everything else."""
    await first_byte(answer)
    body = await answer.read()
    if not body.strip(_BLANK):
        raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UpstreamBadResponse("The upstream answered with something that is no JSON.") from None


def _no_number(_: str) -> None:
    """What JSON has for NaN and the infinities, which some services write all the same."""


def having(body: Json, key: str) -> Mapping[str, Json]:
    """`body`, if it is an object with this `key`. Raises `UpstreamError`: the one that it tells of, if any."""
    if isinstance(body, dict) and body.get(key) is not None:
        return body
    raise _told(body) or UpstreamBadResponse(f"The upstream answered with JSON that has no {key}.")


async def media(answer: HttpAnswer, kind: Literal["audio", "video"]) -> Media:
    """The sound or the film that a successful answer is. Raises `UpstreamError` for everything else."""
    content_type = answer.headers.get("content-type", "application/octet-stream")
    media_type = content_type.partition(";")[0].strip().lower()
    is_media = media_type.startswith(f"{kind}/") or media_type.endswith("/octet-stream")
    if not is_media or not 200 <= answer.status < 300:
        body = await json_body(answer)
        raise _told(body) or UpstreamBadResponse(f"The upstream answered with JSON where {kind} should be.")
    if not await answer.peek():
        raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
    return Media(content_type, answer.chunks(), length=answer.length)


def _told(body: Json) -> UpstreamError | None:
    """The failure that a successful answer tells of."""
    return from_event(body) if isinstance(body, dict) and body.get("error") else None
