"""The first look at an HTTP answer, before anyone decodes it: is it a success, a web page, or JSON?"""

from __future__ import annotations

import json

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.requests import Json
from core.dialects.failures import from_answer, html_page
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
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UpstreamBadResponse("The upstream answered with something that is no JSON.") from None
