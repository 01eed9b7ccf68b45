import httpx
import pytest

from core.chat.errors import UpstreamError
from core.chat.requests import Json
from core.dialects.answers import first_byte, json_body
from core.wire.client import HttpAnswer


def answer(body: bytes, status: int = 200, **headers: str) -> HttpAnswer:
    return HttpAnswer(httpx.Response(status, headers=headers, stream=httpx.ByteStream(body)))


@pytest.mark.parametrize(("body", "first"), [(b"data: x", b"d"), (b'\xef\xbb\xbf\r\n {"a":1}', b"{"), (b"", b"")])
async def test_the_first_byte_of_a_success_is_only_looked_at(body: bytes, first: bytes) -> None:
    success = answer(body)
    assert await first_byte(success) == first
    assert await success.read() == body


@pytest.mark.parametrize("body", [b"7", b'{"a":[1]}', b"\xef\xbb\xbfnull"])
async def test_json_is_read_whole(body: bytes) -> None:
    expected: dict[bytes, Json] = {b"7": 7, b'{"a":[1]}': {"a": [1]}, b"\xef\xbb\xbfnull": None}
    assert await json_body(answer(body)) == expected[body]


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (answer(b'{"error":"no"}', 401), "upstream_credentials_unavailable"),
        (answer(b"", 503), "upstream_http_503"),
        (answer(b" \n <!doctype html><p>Sign in</p>"), "upstream_bad_response"),
        (answer(b"<title>Just a moment...</title>"), "upstream_challenge"),
        (answer(b""), "upstream_empty"),
        (answer(b" \r\n"), "upstream_empty"),
        (answer(b'{"a":'), "upstream_bad_response"),
        (answer(b"[" * 100_000), "upstream_bad_response"),
    ],
)
async def test_anything_else_says_what_it_is(refused: HttpAnswer, code: str) -> None:
    with pytest.raises(UpstreamError) as raised:
        await json_body(refused)
    assert raised.value.code == code
