"""Where Puter says that something lies which it made: a URL, or an object that holds one."""

from __future__ import annotations

import base64

from core.chat.errors import UpstreamBadResponse
from core.chat.requests import Json

_NAMES = ("asset_url", "url", "href")


def url_in(result: Json) -> str:
    """The http, https or data URL in a result. Raises `UpstreamBadResponse` where there is none."""
    found = next((result[name] for name in _NAMES if result.get(name)), None) if isinstance(result, dict) else result
    if isinstance(found, str) and found.startswith(("https://", "http://", "data:")):
        return found
    raise UpstreamBadResponse("The upstream answered with a result that holds no URL.")


def data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
