"""Forms: what clients send, and everything else that could stand in a body."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from core.api.shared.form import MAX_PARTS, number, parse_form, read_form
from core.chat.errors import ChatError, InvalidRequest, RequestTooLarge
from core.chat.media import Upload
from core.wire.multipart import form
from tests.support.framing import unhurried

SOUND = Upload("a b.mp3", "audio/mpeg", b"ID3\r\n--x--\r\n\x00\xff")


def body(*parts: str, end: str = "--B--\r\n") -> bytes:
    return "".join(f"--B\r\n{part}\r\n" for part in parts).encode("latin-1") + end.encode()


def field(name: str, value: str, more: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}'


def read(content_type: str | None, content: bytes, limit: int = 1000, **headers: str) -> Any:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if content_type is not None:
        fields.append((b"content-type", content_type.encode("latin-1")))

    async def receive() -> Any:
        return {"type": "http.request", "body": content, "more_body": False}

    return read_form(Request({"type": "http", "headers": fields}, receive), limit)


async def failure(*given: Any, **headers: str) -> ChatError:
    with pytest.raises(ChatError) as refused:
        await read(*given, **headers)
    return refused.value


async def test_texts_files_and_lists() -> None:
    encoded = form([("file", SOUND), ("model", "wörter"), ("words[]", "a"), ("words[]", "b"), ("unset", "")])
    fields = await read(encoded.content_type, encoded.content)

    assert fields == {"file": SOUND, "model": "wörter", "words": ["a", "b"]}


@pytest.mark.parametrize("boundary", ["B", '"B"'])
@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data; charset=utf-8"])
async def test_how_the_type_may_be_written(kind: str, boundary: str) -> None:
    assert await read(f"{kind}; boundary={boundary}", body(field("a", "b"))) == {"a": "b"}


def test_a_file_needs_neither_name_nor_type() -> None:
    assert parse_form(body(field("file", "xyz", '; filename=""')), b"B") == {
        "file": Upload("", "application/octet-stream", b"xyz")
    }


@pytest.mark.parametrize("end", ["--B--", "--B--\r\nand what comes after"])
def test_how_a_form_may_end(end: str) -> None:
    assert parse_form(body(field("a", "b"), end=end), b"B") == {"a": "b"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        body(field("a", "b"), end=""),
        body(field("a", "b"), end="--B"),
        body(field("a", "b"), end="--B-"),
        body(field("a", "b"), end="--C--"),
        body(field("a", "b")).replace(b"--B", b"--C"),
        body(field("", "b")),
        body("Content-Disposition: form-data\r\n\r\nb"),
        body("X: y\r\n\r\nb"),
        body("\r\nb"),
        body("no colon\r\n\r\nb"),
        body(field("a", "\xff")),
        body(field("\xff", "b")),
        body(field("a", "b", '; filename="\xff"')),
        body(field("a" * 5000, "b")),
        body("".join(f"X-{n}: y\r\n" for n in range(20)) + field("a", "b")),
        body(*[field("a[]", "b")] * (MAX_PARTS + 1)),
    ],
)
def test_what_is_no_form_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_form(content, b"B")

    assert (refused.value.status, refused.value.code) == (400, "invalid_form")


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a[]"), ("a[]", "a")])
def test_a_field_stands_there_once(names: tuple[str, str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_form(body(*(field(name, "x") for name in names)), b"B")

    assert refused.value.code == "duplicate_key"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 415),
        ("application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/mixed; boundary=B", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        (f"multipart/form-data; boundary={'B' * 300}", 400),
        ("multipart/form-data; boundary=C", 400),
    ],
)
async def test_another_type_is_refused(content_type: str | None, status: int) -> None:
    assert (await failure(content_type, body(field("a", "b")))).status == status


async def test_bounds() -> None:
    kind = "multipart/form-data; boundary=B"
    assert isinstance(await failure(kind, body(field("a", "b" * 1000))), RequestTooLarge)
    assert (await failure(kind, body(field("a", "b")), content_encoding="gzip")).code == "unsupported_encoding"


async def test_a_large_file_touches_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, None)
    upload = Upload("a", "audio/wav", bytes(range(256)) * 16384)
    encoded = form([("file", upload)])

    assert await read(encoded.content_type, encoded.content, 5_000_000) == {"file": upload}


@unhurried
@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_a_refusal(content: bytes) -> None:
    for tried in (content, b"--B\r\n" + content, body(field("a", "b"), end="") + content):
        with suppress(InvalidRequest):
            assert isinstance(parse_form(tried, b"B"), dict)


@pytest.mark.parametrize("text", ["x", "nan", "inf", "-0.1", "1.1", ["0.5"]])
def test_a_wrong_number_is_named(text: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        number({"temperature": text}, "temperature", 0, 1)

    assert refused.value.param == "temperature"


def test_a_number_is_one_afterwards() -> None:
    fields: dict[str, Any] = {"temperature": "0.25"}
    number(fields, "temperature", 0, 1)
    number(fields, "missing", 0, 1)

    assert fields == {"temperature": 0.25}
