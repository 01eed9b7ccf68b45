"""A form with files, `multipart/form-data`, as browsers send it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final, NamedTuple

from core.chat.media import Upload

_QUOTED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
_WITHOUT_BREAKS: Final = str.maketrans("", "", "\r\n\0")


class Form(NamedTuple):
    """An encoded form, and the Content-Type to send it under."""

    content_type: str
    content: bytes


def form(fields: Iterable[tuple[str, str | Upload]]) -> Form:
    """The form with these fields, in their order; a name may come more than once."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for name, value in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_QUOTED)}"'
        if isinstance(value, Upload):
            head += f'; filename="{value.name.translate(_QUOTED)}"\r\n'
            head += f"Content-Type: {value.media_type.translate(_WITHOUT_BREAKS)}"
        content = value.content if isinstance(value, Upload) else value.encode("utf-8", "replace")
        pieces += (f"{head}\r\n\r\n".encode("utf-8", "replace"), content, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return Form(f"multipart/form-data; boundary={boundary}", b"".join(pieces))
