import httpx
import pytest

from core.chat.errors import UpstreamError
from core.chat.requests import Json
from core.dialects.answers import first_byte, having, json_body, media
from core.wire.client import HttpAnswer


def answer(body: bytes, status: int = 200, **headers: str) -> HttpAnswer:
    return HttpAnswer(httpx.Response(status, headers=headers, stream=httpx.ByteStream(body)))


def typed(content_type: str, body: bytes, status: int = 200) -> HttpAnswer:
    return answer(body, status, **{"content-type": content_type})


@pytest.mark.parametrize(("body", "first"), [(b"data: x", b"d"), (b'\xef\xbb\xbf\r\n {"a":1}', b"{"), (b"", b"")])
async def test_the_first_byte_of_a_success_is_only_looked_at(body: bytes, first: bytes) -> None:
    success = answer(body)
    assert await first_byte(success) == first
    assert await success.read() == body


@pytest.mark.parametrize("body", [b"7", b'{"a":[1]}', b"\xef\xbb\xbfnull"])
async def test_json_is_read_whole(body: bytes) -> None:
    expected: dict[bytes, Json] = {b"7": 7, b'{"a":[1]}': {"a": [1]}, b"\xef\xbb\xbfnull": None}
    assert await json_body(answer(body)) == expected[body]


async def test_what_is_no_number_is_null() -> None:
    assert await json_body(answer(b'[NaN, -Infinity, {"a": Infinity}]')) == [None, None, {"a": None}]


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


def test_an_answer_has_what_is_looked_for() -> None:
    assert having({"id": "x", "error": {"message": "the job's own"}}, "id")["id"] == "x"
    assert having({"text": ""}, "text") == {"text": ""}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"error": {"message": "Busy.", "type": "overloaded_error"}}, 503, "Busy."),
        ({"error": "Busy.", "data": None}, 502, "Busy."),
        ({"error": None}, 502, "The upstream answered with JSON that has no data."),
        ([], 502, "The upstream answered with JSON that has no data."),
    ],
)
def test_an_answer_that_has_it_not_is_a_failure(body: Json, status: int, message: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        having(body, "data")
    assert (caught.value.status, caught.value.message) == (status, message)


@pytest.mark.parametrize("content_type", ["audio/pcm; rate=24000", "application/octet-stream", "binary/octet-stream"])
async def test_a_sound_keeps_its_type_and_its_bytes(content_type: str) -> None:
    sound = await media(typed(content_type, b"<\x00\x01"), "audio")
    assert sound.media_type == content_type
    assert [chunk async for chunk in sound.chunks] == [b"<\x00\x01"]


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (typed("video/mp4", b"film"), "upstream_bad_response"),
        (typed("application/json", b'{"error":{"message":"no","type":"too_many_requests"}}'), "rate_limited"),
        (typed("application/json", b'{"ok":1}'), "upstream_bad_response"),
        (typed("text/html", b"<!doctype html><p>Sign in</p>"), "upstream_bad_response"),
        (typed("audio/mpeg", b""), "upstream_empty"),
        (typed("text/plain", b""), "upstream_empty"),
        (typed("audio/mpeg", b"busy", 503), "upstream_http_503"),
    ],
)
async def test_what_is_no_sound_says_what_it_is(refused: HttpAnswer, code: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await media(refused, "audio")
    assert caught.value.code == code


async def test_bytes_of_no_type_are_taken_for_what_they_should_be() -> None:
    assert (await media(answer(b"ID3"), "audio")).media_type == "application/octet-stream"
