"""A head that does not end, as `any2api serve` meets it."""

import asyncio
import socket

import pytest
import uvicorn

from core.cli import connection
from core.cli.connection import LONGEST_HEAD, Connection


async def app(scope, receive, send):
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    size = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(size))]})
    await send({"type": "http.response.body", "body": size})


@pytest.fixture
async def address():
    """Where the app is served."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", http=Connection, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield listener.getsockname()
    server.should_exit = server.force_exit = True
    await serving
    listener.close()


async def said(address, *parts: bytes) -> bytes:
    """All that comes back; what cannot be sent any more is left out."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(*address)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


def post(size: int, head: int = 0, close: bool = True) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: x", b"Content-Length: %d" % size, b"X: " + b"y" * head]
    return b"\r\n".join(lines + [b"Connection: close"] * close) + b"\r\n\r\n" + b"z" * size


async def test_requests_pass(address):
    assert (await said(address, post(7))).endswith(b"\r\n\r\n7")
    assert (await said(address, post(7, head=30_000))).endswith(b"\r\n\r\n7")


async def test_a_body_is_no_head(address):
    """They may come in one read."""
    assert (await said(address, post(4_000_000))).endswith(b"\r\n\r\n4000000")


async def test_each_request_of_a_connection_has_its_own_head(address):
    requests = [post(10, head=20_000, close=False)] * 5 + [post(11)]
    assert (await said(address, *requests)).count(b"200 OK") == 6


@pytest.mark.parametrize("before", [b"", post(1, close=False)], ids=["first", "second"])
@pytest.mark.parametrize("more", [b"x: y\r\n", b"x" * 6], ids=["many lines", "one line"])
async def test_a_head_without_end_is_not_kept_in_memory(address, before, more):
    begun = before + b"GET / HTTP/1.1\r\n"
    answer = await said(address, begun, *[more * 1000] * (100 * LONGEST_HEAD // 6000))
    assert answer.count(b"200 OK") == (1 if before and answer else 0)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", post(1, close=False) + b"GET "])
async def test_a_head_that_does_not_come_is_not_waited_for(address, begun, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_TIMEOUT", 0.1)
    assert (await said(address, begun)).count(b"200 OK") == begun.count(b"POST")
