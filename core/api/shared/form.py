"""Reads a form with files under strict bounds. It stays in memory: on most platforms there is no disk to write to."""

from __future__ import annotations

from typing import NamedTuple

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from core.api.shared.body import read_bytes
from core.api.shared.fields import invalid
from core.chat.errors import InvalidRequest
from core.chat.media import Upload
from core.chat.requests import Json

MAX_PARTS = 64
FORM = "multipart/form-data"


async def read_form(request: Request, limit: int) -> dict[str, Json]:
    """The fields by name: text as a string, a file as an `Upload`, `name[]` as a list. `limit` is in bytes.

    An empty text counts as absent. Raises `InvalidRequest` for anything but one whole form, `RequestTooLarge` beyond
    the limit.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM.encode():
        raise InvalidRequest(f"Send a form, as `{FORM}`.", status=415, code="unsupported_media_type")
    if not options.get(b"boundary"):
        raise _malformed("its boundary is missing")
    return parse_form(await read_bytes(request, limit), options[b"boundary"])


def parse_form(body: bytes, boundary: bytes) -> dict[str, Json]:
    """The same from the bytes of a body."""
    parts = _Parts()
    try:
        MultipartParser(boundary, parts.callbacks()).write(body)  # type: ignore[arg-type]  # each fits its own event
    except FormParserError as error:
        raise _malformed(str(error)) from None
    if not parts.ended:
        raise _malformed("it stops before its end")
    fields: dict[str, Json] = {}
    for part in parts.found:
        _add(fields, *part.read())
    return fields


def refuse_files(body: dict[str, Json]) -> None:
    """Raises `InvalidRequest` for a file in `body`, from which those that an API knows have been taken."""
    for name, value in body.items():
        if any(isinstance(each, Upload) for each in (value if isinstance(value, list) else [value])):
            raise invalid(name, "must be a text, not a file")


def number(body: dict[str, Json], name: str, least: float, most: float) -> None:
    """Turn the text of a number, which stays in `body`, into one."""
    if name not in body:
        return
    try:
        value = float(body[name])
    except (TypeError, ValueError):
        value = None
    if value is None or not least <= value <= most:
        raise invalid(name, f"must be a number between {least:g} and {most:g}")
    body[name] = value


class _Part(NamedTuple):
    headers: dict[bytes, bytes]
    content: list[bytes]

    def read(self) -> tuple[str, str | Upload]:
        _, options = parse_options_header(self.headers.get(b"content-disposition"))
        name, content = _text(options.get(b"name", b"")), b"".join(self.content)
        if not name:
            raise _malformed("a part of it has no name")
        if b"filename" not in options:
            return name, _text(content)
        media_type = self.headers.get(b"content-type", b"").decode("latin-1")
        return name, Upload(_text(options[b"filename"]), media_type or "application/octet-stream", content)


class _Parts:
    """What the parser has found; `ended` once it has seen the form's end."""

    def __init__(self) -> None:
        self.found: list[_Part] = []
        self.ended = False
        self._name = self._value = b""

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.found) == MAX_PARTS:
            raise _malformed(f"it has more than {MAX_PARTS} parts")
        self.found.append(_Part({}, []))

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self.found[-1].headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.found[-1].content.append(data[start:end])

    def _end(self) -> None:
        self.ended = True


def _add(fields: dict[str, Json], name: str, value: str | Upload) -> None:
    if value == "":
        return
    plain, is_list = name.removesuffix("[]"), name.endswith("[]")
    before = fields.get(plain)
    if before is not None and not (is_list and isinstance(before, list)):
        raise InvalidRequest(f"The field {plain[:100]!r} stands twice in the form.", code="duplicate_key")
    fields[plain] = [*(before or ()), value] if is_list else value


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _malformed("a text in it is not UTF-8") from None


def _malformed(why: str) -> InvalidRequest:
    return InvalidRequest(f"The form cannot be read: {why}.", code="invalid_form")
