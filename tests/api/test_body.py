"""JSON bodies: which are taken, and what the others are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from core.api.shared import body as bodies
from core.api.shared.body import parse_object, read_bytes, read_json
from core.api.shared.hangup import CallerGone
from core.chat.errors import ChatError, InvalidRequest, RequestTooLarge


def request(receive: Callable[[], Awaitable[Message]], **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


def sending(*chunks: bytes) -> Callable[[], Awaitable[Message]]:
    """A caller who sends these pieces and then says no more."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    return receive


def nested(levels: int) -> bytes:
    """Objects in lists in objects, so many levels in all."""
    opened = [b'{"a":' if level % 2 == 0 else b"[" for level in range(levels)]
    closed = [b"}" if level % 2 == 0 else b"]" for level in range(levels)]
    return b"".join(opened) + b"1" + b"".join(reversed(closed))


def test_an_object_is_taken_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "ü🌍"], "b": {"": {}}, "c": 1e300, "d": 10**30}

    assert parse_object(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("levels", [1, 63, 64])
def test_sixty_four_levels_are_taken(levels: int) -> None:
    assert parse_object(nested(levels)) == json.loads(nested(levels))


@pytest.mark.parametrize("levels", [65, 66, 900, 20_000, 200_000])
def test_more_levels_are_refused(levels: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_object(nested(levels))

    assert refused.value.code == "json_too_deep"
    assert "64" in refused.value.message


def test_many_brackets_are_no_depth() -> None:
    assert parse_object(b'{"a":[' + b",".join([b"{}"] * 1000) + b"]}") == {"a": [{}] * 1000}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": [-Infinity]}', "-Infinity is not JSON"),
        (b'{"a": -1e400}', "beyond all measure"),
        (b'{"a": ' + b"1" * 5000 + b"}", "too many digits"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_everything_else_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as refused:
        parse_object(body)

    assert (refused.value.status, refused.value.code) == (400, "invalid_json")


@pytest.mark.parametrize(
    "body", [b'{"a": 1, "a": 1}', b'{"b": [{"a": {}, "c": 1, "a": 2}]}', rb'{"a": 1, "\u0061": 2}']
)
def test_a_key_that_stands_twice_is_refused_at_any_level(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="'a' stands twice") as refused:
        parse_object(body)

    assert refused.value.code == "duplicate_key"


def test_halves_of_characters_are_mended_wherever_they_stand() -> None:
    body = rb'{"\ud800": ["\udc00x", {"a": "\ud83c\udf0d"}], "n": 1}'

    assert parse_object(body) == {"\ufffd": ["\ufffdx", {"a": "🌍"}], "n": 1}


@pytest.mark.parametrize("chunks", [[b'{"a": 1}'], [b'{"a"', b"", b": 1}"]])
async def test_a_body_is_read_in_as_many_pieces_as_it_comes(chunks: Sequence[bytes]) -> None:
    assert await read_json(request(sending(*chunks)), 8) == {"a": 1}


@pytest.mark.parametrize("headers", [{}, {"content_length": "8"}, {"content_length": "nonsense"}])
async def test_the_limit_counts_what_came_whatever_was_said(headers: dict[str, str]) -> None:
    with pytest.raises(RequestTooLarge, match="8 bytes"):
        await read_bytes(request(sending(b"12345", b"6789"), **headers), 8)


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    with pytest.raises(RequestTooLarge):
        await read_bytes(request(sending(), content_length="9"), 8)


async def test_a_body_that_never_comes_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_TIMEOUT", 0.01)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(ChatError) as refused:
        await read_bytes(request(receive), 8)

    assert (refused.value.status, refused.value.code) == (408, "request_timeout")


async def test_a_caller_who_leaves_while_sending_is_gone() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(CallerGone):
        await read_bytes(request(receive), 8)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content_encoding": "gzip"}, "unsupported_encoding"),
        ({"content_encoding": "br"}, "unsupported_encoding"),
        ({"content_type": "multipart/form-data; boundary=x"}, "unsupported_media_type"),
        ({"content_type": "Application/X-WWW-Form-URLencoded"}, "unsupported_media_type"),
    ],
)
async def test_what_cannot_be_json_is_refused_unread(headers: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read_json(request(sending(b"{}"), **headers), 8)

    assert (refused.value.status, refused.value.code) == (415, code)


@pytest.mark.parametrize("headers", [{}, {"content_type": "text/plain"}, {"content_encoding": "Identity"}])
async def test_json_is_read_whatever_it_is_called(headers: dict[str, str]) -> None:
    found: Any = await read_json(request(sending(b"{}"), **headers), 8)

    assert found == {}
