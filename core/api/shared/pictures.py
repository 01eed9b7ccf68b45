"""A picture that comes with a request, as a file or as a data URL."""

from __future__ import annotations

import binascii

from core.api.shared.fields import invalid
from core.chat.media import Upload
from core.chat.requests import Json
from core.dialects.dataurls import data_url


def take_picture(body: dict[str, Json], name: str) -> Upload | None:
    """`body[name]`: a file, or `{"image_url": …}`, which a form writes as `name[image_url]`. None where there is none.

    Raises `InvalidRequest` also for a picture that lies elsewhere.
    """
    file_id = body.pop(f"{name}[file_id]", None)
    url = body.pop(f"{name}[image_url]", None)
    given = body.pop(name, None)
    if isinstance(given, dict):
        file_id, url = given.get("file_id"), given.get("image_url")
    elif isinstance(given, str):
        url = given
    if isinstance(given, Upload) and given.content:
        return given
    if file_id is not None:
        raise invalid(name, "names a stored file, and nothing is stored here; send the picture itself")
    if url is None and given is None:
        return None
    if not isinstance(url, str):
        raise invalid(name, "must be a picture: a file, or an object with its `image_url`")
    return _held(url, name)


def _held(url: str, name: str) -> Upload:
    picture = data_url(url, name)
    try:
        content = binascii.a2b_base64(picture.base64)
    except binascii.Error:
        raise invalid(name, "is a data URL whose base64 is broken") from None
    return Upload(f"picture.{picture.media_type.removeprefix('image/')}", picture.media_type, content)
