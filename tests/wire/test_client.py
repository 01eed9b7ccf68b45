import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from core.chat.errors import (
    Retry,
    UpstreamBadResponse,
    UpstreamError,
    UpstreamTimeout,
    UpstreamTruncated,
    UpstreamUnreachable,
)
from core.wire import client as client_module
from core.wire.client import HttpAnswer, HttpClient, encode_json
from tests.support.upstream import Seen, Wire, upstream

URL = "http://upstream.test/v1/chat?key=secret"


def client(handler: Callable[[httpx.Request], httpx.Response]) -> HttpClient:
    return HttpClient(httpx.MockTransport(handler))


def answering(*chunks: bytes, **headers: str) -> HttpClient:
    """Answers with `chunks`."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return client(lambda _: httpx.Response(200, headers=fields, stream=Chunks(*chunks)))


class Chunks(httpx.AsyncByteStream):
    """A body that knows whether it was closed; an exception among its chunks is raised."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


async def sent(url: str = URL, **request: object) -> httpx.Request:
    """What the client makes of a request."""
    seen = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with client(handler).request("POST", url, **request):  # type: ignore[arg-type]  # as the test gives them
        pass
    return seen[0]


async def rest(answer: HttpAnswer) -> list[bytes]:
    return [chunk async for chunk in answer.chunks()]


# Requests


async def test_json_is_sent_compact_and_unescaped() -> None:
    request = await sent(json={"text": "é😀", "list": [1, None]})
    assert request.content == '{"text":"é😀","list":[1,null]}'.encode()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.content))


async def test_a_content_type_of_ones_own() -> None:
    request = await sent(json={}, headers={"Content-Type": "text/plain"})
    assert request.headers.get_list("content-type") == ["text/plain"]


async def test_content_is_sent_as_it_is() -> None:
    request = await sent(content=b"\x00raw")
    assert request.content == b"\x00raw"
    assert "content-type" not in request.headers


async def test_uncompressed_answers_are_asked_for() -> None:
    assert (await sent()).headers["accept-encoding"] == "identity"
    assert (await sent(headers={"Accept-Encoding": "gzip"})).headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\ud83d", "a\ufffd"), ("\ud83d\ude00", "😀"), ("\ude00\ud83d", "\ufffd\ufffd"), ("😀\udfff", "😀\ufffd")],
)
def test_lone_surrogates_do_not_crash(text: str, expected: str) -> None:
    assert json.loads(encode_json({text: text})) == {expected: expected}


@pytest.mark.parametrize("value", ["a\r\nCookie: b", "a\nb", "a\x00b"])
async def test_a_header_cannot_smuggle_another_in(value: str) -> None:
    with pytest.raises(UpstreamError, match="authorization") as caught:
        await sent(headers={"authorization": value})
    assert caught.value.code == "upstream_misconfigured"
    assert "Cookie" not in caught.value.message


@pytest.mark.parametrize("name", ["", "x y", "x:", "x\r\ny", "é"])
async def test_a_header_name_that_is_none(name: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await sent(headers={name: "value"})
    assert caught.value.code == "upstream_misconfigured"


@pytest.mark.parametrize(("value", "expected"), [("é\t😀", "é\t😀".encode()), ("\ud83d", b"?")])
async def test_a_header_value_of_any_letters(value: str, expected: bytes) -> None:
    assert (b"x-title", expected) in (await sent(headers={"X-Title": value})).headers.raw


@pytest.mark.parametrize("url", ["http://upstream.test:port/", "ftp://upstream.test/", "/v1", "http:///v1", ""])
async def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        async with HttpClient().request("GET", url):
            pass
    assert (caught.value.code, caught.value.retry) == ("upstream_misconfigured", Retry.OTHER_ROUTE)


# Answers


async def test_status_and_headers() -> None:
    async with client(lambda _: httpx.Response(429, headers={"Retry-After": "2"})).request("GET", URL) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (429, "2")


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({"content-length": "5"}, 5),
        ({}, None),
        ({"content-length": "5, 5"}, None),
        ({"content-length": "-5"}, None),
        ({"content-length": "5", "content-encoding": "gzip"}, None),
        ({"content-length": "5", "transfer-encoding": "chunked"}, None),
    ],
)
async def test_a_length_is_believed_where_it_is_that_of_the_body(headers: dict[str, str], length: int | None) -> None:
    async with client(lambda _: httpx.Response(200, headers=headers)).request("GET", URL) as answer:
        assert answer.length == length


async def test_chunks_come_as_they_are_but_never_empty() -> None:
    async with answering(b"a", b"", b"bc").request("GET", URL) as answer:
        assert await rest(answer) == [b"a", b"bc"]


async def test_what_was_peeked_at_is_given_again() -> None:
    async with answering(b"", b"a", b"b").request("GET", URL) as answer:
        assert [await answer.peek(), await answer.peek()] == [b"a", b"a"]
        assert await rest(answer) == [b"a", b"b"]
    async with answering(b"a", b"b").request("GET", URL) as answer:
        assert (await answer.peek(), await answer.read()) == (b"a", b"ab")


async def test_an_empty_body() -> None:
    async with answering().request("GET", URL) as answer:
        assert [await answer.peek(), await answer.peek(), await answer.read()] == [b"", b"", b""]


async def test_an_answer_cannot_be_read_after_its_block() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        await wire.chunk(b"hello")
        await wire.finish()

    http = HttpClient()
    async with upstream(script) as site:
        async with http.request("GET", site.url) as first:
            chunks = first.chunks()
            assert await anext(chunks) == b"hello"
        async with http.request("GET", site.url) as second:
            assert await anext(chunks, b"") == b""
            assert await second.read() == b"hello"
        assert site.accepted == 1


async def test_redirects_and_cookies_are_left_to_others() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(302, "", location=elsewhere.url, set_cookie="a=b")

    http = HttpClient()
    async with upstream(script) as elsewhere, upstream(script) as site:
        for _ in range(2):
            async with http.request("GET", site.url, headers={"authorization": "Bearer t"}) as answer:
                assert (answer.status, answer.headers["location"]) == (302, elsewhere.url)
        assert elsewhere.accepted == 0
        assert all("cookie" not in seen.headers for seen in site.seen)


# Compression and bounds


@pytest.mark.parametrize("size", [1, 10_000])
async def test_a_compressed_answer_is_decompressed(size: int) -> None:
    body = gzip.compress(b"hello " * 50)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    async with answering(*chunks, content_encoding="gzip").request("GET", URL) as answer:
        assert await answer.read() == b"hello " * 50


async def test_a_truncated_compressed_answer() -> None:
    async with answering(gzip.compress(b"hello")[:-1], content_encoding="gzip").request("GET", URL) as answer:
        assert await answer.peek() == b"hello"
        with pytest.raises(UpstreamTruncated):
            await answer.read()


async def test_an_answer_we_cannot_decompress_is_closed() -> None:
    body = Chunks(b"?")
    http = client(lambda _: httpx.Response(200, headers={"content-encoding": "br"}, stream=body))
    with pytest.raises(UpstreamBadResponse):
        async with http.request("GET", URL):
            pass
    assert body.closed


async def test_a_bomb() -> None:
    bomb = gzip.compress(bytes(32 * 1024 * 1024))
    async with answering(bomb, content_encoding="gzip").request("GET", URL) as answer:
        with pytest.raises(UpstreamBadResponse):
            await answer.read()


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_the_whole_body_is_bounded(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(client_module, "MAX_BODY", 1024 * 1024)
    most = [bytes(65536)] * 16
    for chunks, fits in ((most, True), ([*most, b"x"], False)):
        packed = [gzip.compress(b"".join(chunks))] if encoding else chunks
        async with answering(*packed, content_encoding=encoding).request("GET", URL) as answer:
            if fits:
                assert len(await answer.read()) == 1024 * 1024
            else:
                with pytest.raises(UpstreamBadResponse):
                    await answer.read()


def test_the_bound() -> None:
    assert client_module.MAX_BODY == 64 * 1024 * 1024


# Failures


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ConnectTimeout(""), UpstreamTimeout),
        (httpx.ReadTimeout(""), UpstreamTimeout),
        (httpx.PoolTimeout(""), UpstreamTimeout),
        (httpx.ConnectError(""), UpstreamUnreachable),
        (httpx.ReadError(""), UpstreamUnreachable),
        (httpx.WriteError(""), UpstreamUnreachable),
        (httpx.ProxyError(""), UpstreamUnreachable),
        (httpx.RemoteProtocolError(""), UpstreamBadResponse),
    ],
)
async def test_what_a_transport_may_raise_before_an_answer(
    failure: httpx.TransportError, expected: type[UpstreamError]
) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(expected, match=r"upstream\.test") as caught:
        async with client(handler).request("GET", URL):
            pass
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ReadTimeout(""), UpstreamTimeout),
        (httpx.ReadError(""), UpstreamTruncated),
        (httpx.RemoteProtocolError(""), UpstreamTruncated),
    ],
)
async def test_what_a_transport_may_raise_in_a_body(
    failure: httpx.TransportError, expected: type[UpstreamError]
) -> None:
    body = Chunks(b"a", failure)
    async with client(lambda _: httpx.Response(200, stream=body)).request("GET", URL) as answer:
        assert await answer.peek() == b"a"
        with pytest.raises(expected):
            await answer.read()
    assert body.closed


async def test_failures_of_the_caller_are_the_callers() -> None:
    body = Chunks(b"a")
    with pytest.raises(httpx.ReadError):
        async with client(lambda _: httpx.Response(200, stream=body)).request("GET", URL):
            raise httpx.ReadError("not ours")
    assert body.closed


async def test_a_generator_that_is_closed_in_mid_answer_closes_the_connection() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        await wire.chunk(b"hello")
        await wire.hung_up()

    async def stream(url: str) -> AsyncIterator[bytes]:
        async with HttpClient().request("GET", url) as answer:
            async for chunk in answer.chunks():
                yield chunk

    async with upstream(script) as site:
        chunks = stream(site.url)
        assert await anext(chunks) == b"hello"
        await chunks.aclose()  # type: ignore[attr-defined]  # it is a generator
        await site.connections(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
