"""Pictures that a URL holds (RFC 2397), as upstreams want them that take their bytes."""

from __future__ import annotations

import base64
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from core.chat.errors import InvalidRequest


class DataUrl(NamedTuple):
    media_type: str
    base64: str


def is_remote(url: str) -> bool:
    """Whether `url` only names a picture."""
    return url[:8].lower().startswith(("http://", "https://"))


def data_url(url: str, param: str = "messages") -> DataUrl:
    """The picture in `url`. Raises `InvalidRequest` where there is none."""
    head, comma, content = url.partition(",")
    media_type, *attributes = [word.strip() for word in head[5:].lower().split(";")]
    if head[:5].lower() != "data:" or not comma or not media_type.startswith("image/"):
        raise InvalidRequest(
            "This model takes pictures only as data URLs (data:image/png;base64,…).",
            code="invalid_image_url",
            param=param,
        )
    if "base64" not in attributes:
        content = base64.b64encode(unquote_to_bytes(content)).decode()
    return DataUrl(media_type, content)
