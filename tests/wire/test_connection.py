"""What may arrive on a connection, from real sockets."""

import asyncio

import pytest

from core.chat.errors import UpstreamBadResponse, UpstreamError, UpstreamTruncated, UpstreamUnreachable
from core.wire.client import HttpClient
from core.wire.connection import MAX_HEAD, Unanswered
from tests.support.framing import pieces
from tests.support.upstream import Script, Seen, Wire, upstream

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def saying(answer: bytes, size: int = 0, *, reset: bool = False, close: bool = True) -> Script:
    """Answers with these very bytes, `size` at a time, and then breaks off."""

    async def script(_: Seen, wire: Wire) -> None:
        for piece in pieces(answer, size or len(answer) or 1):
            await wire.raw(piece)
            await asyncio.sleep(0)
        if reset:
            wire.reset()
        elif close:
            wire.close()
        else:
            await wire.hung_up()

    return script


async def exchange(script: Script, method: str = "GET") -> tuple[int, bytes]:
    """An answer, read to its end. Afterwards no connection is open, except for one to be kept."""
    client = HttpClient()
    async with upstream(script) as site:
        try:
            async with client.request(method, site.url) as answer:
                return answer.status, await answer.read()
        finally:
            await client.aclose()
            await site.connections(0)


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n", 200, b"abcde"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", 200, b"abcde"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 200 OK\r\n\r\nabcde", 200, b"abcde"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nabcde", 200, b"abcde"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + CHUNKED + b"0\r\n\r\n",
            200,
            b"",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 302, b""),
        (b"HTTP/1.1 500\r\nContent-Length: 2\r\n\r\nno", 500, b"no"),
    ],
)
async def test_answers_in_every_form(answer: bytes, status: int, body: bytes, size: int) -> None:
    assert await exchange(saying(answer, size)) == (status, body)


async def test_an_answer_to_head_has_no_body() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert await exchange(saying(answer, close=False), "HEAD") == (200, b"")


async def test_headers_are_found_by_lower_case_name() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-Some: a\r\nRETRY-AFTER: 2\r\nx-some: b\r\nContent-Length: 0\r\n\r\n"
    async with upstream(saying(answer)) as site, HttpClient().request("GET", site.url) as found:
        assert found.headers == {"x-some": "a, b", "retry-after": "2", "content-length": "0"}


async def test_trailers_are_no_headers() -> None:
    answer = CHUNKED + b"0\r\nContent-Type: text/html\r\n\r\n"
    async with upstream(saying(answer)) as site, HttpClient().request("GET", site.url) as found:
        assert found.headers == {"transfer-encoding": "chunked"}


async def test_an_upstream_that_stops_before_it_has_heard_us_out() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        wire.stop_sending()
        await asyncio.Event().wait()

    headers = {"content-length": "1"}  # all the rest stays in our buffer
    async with upstream(script) as site, asyncio.timeout(10):
        with pytest.raises(UpstreamUnreachable):
            async with HttpClient().request("POST", site.url, content=bytes(32 * 1024 * 1024), headers=headers):
                pass


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
async def test_no_whole_head(answer: bytes, reset: bool) -> None:
    with pytest.raises(Unanswered) as caught:
        await exchange(saying(answer, reset=reset))
    assert (caught.value.code, caught.value.reached) == ("upstream_unreachable", True)


@pytest.mark.parametrize(
    ("answer", "reset"),
    [
        (CHUNKED + b"3\r\nabc\r\n", False),
        (CHUNKED + b"3\r\nabc\r\n0\r\n", False),
        (CHUNKED + b"9\r\nabc", False),
        (CHUNKED + b"3\r\nabc\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", True),
    ],
)
async def test_a_cut_body_gives_what_came_and_then_says_so(answer: bytes, reset: bool) -> None:
    received: list[int] = []
    reading = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(answer)
        await reading.wait()  # a reset may overtake what was sent before it
        wire.reset() if reset else wire.close()

    client = HttpClient()
    async with upstream(script) as site, client.request("GET", site.url) as found:
        chunks = found.chunks()
        while received != list(b"abc"):
            received += await anext(chunks)
        reading.set()
        with pytest.raises(UpstreamTruncated):
            await anext(chunks)
        await site.connections(0)


LONG = b"x" * MAX_HEAD


@pytest.mark.parametrize("size", [0, 4096])
@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        CHUNKED + b"zz\r\nabc",
        CHUNKED + b"3\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + LONG + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * MAX_HEAD + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + LONG,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 2000,
        CHUNKED + b"3;" + LONG,
        CHUNKED + b"0\r\n" + b"X: y\r\n" * MAX_HEAD,
        CHUNKED + b"0\r\nX: " + LONG,
    ],
    ids=lambda value: value[:60] if isinstance(value, bytes) else str(value),
)
async def test_what_is_no_proper_http_is_refused_within_bounds(answer: bytes, size: int) -> None:
    with pytest.raises(UpstreamBadResponse):
        await exchange(saying(answer, size, close=False))


async def test_one_read_is_one_chunk() -> None:
    script = saying(CHUNKED + b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")
    async with upstream(script) as site, HttpClient().request("GET", site.url) as answer:
        assert [chunk async for chunk in answer.chunks()] == [b"abc"]


async def test_chunks_come_as_they_are_sent() -> None:
    read = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        for data in (b"a", b"b"):
            await wire.chunk(data)
            await read.wait()
            read.clear()
        await wire.finish()

    received = []
    async with upstream(script) as site, HttpClient().request("GET", site.url) as answer:
        async for chunk in answer.chunks():
            received.append(chunk)
            read.set()
    assert received == [b"a", b"b"]


async def test_large_bodies_pass_both_ways() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        await wire.reply(200, seen.body)

    body = bytes(range(256)) * 4 * 4096
    async with upstream(script) as site, HttpClient().request("POST", site.url, content=body) as answer:
        assert await answer.read() == body


async def test_a_slow_reader_holds_the_upstream_back() -> None:
    sent = 0

    async def script(_: Seen, wire: Wire) -> None:
        nonlocal sent
        await wire.head()
        for _number in range(512):
            await wire.chunk(bytes(65536))
            sent += 65536
        await wire.finish()

    async with upstream(script) as site, HttpClient().request("GET", site.url) as answer:
        for _turn in range(10_000):
            await asyncio.sleep(0)
        assert sent < 16 * 1024 * 1024
        assert len(await answer.read()) == 512 * 65536


async def test_a_body_longer_than_anyone_wants_is_cut_off() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        while True:
            await wire.chunk(bytes(1024 * 1024))

    with pytest.raises(UpstreamError) as caught:
        await exchange(script)
    assert caught.value.code == "upstream_bad_response"
