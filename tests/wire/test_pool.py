"""Which connections are used again, from real sockets."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.chat.errors import UpstreamUnreachable
from core.wire.client import HttpClient
from core.wire.connection import Unanswered
from core.wire.transport import Transport
from tests.support.upstream import Seen, Upstream, Wire, upstream


async def greet(_: Seen, wire: Wire) -> None:
    await wire.reply(200, "hello")


async def ask(client: HttpClient, site: Upstream, path: str = "/") -> bytes:
    async with client.request("GET", site.url + path) as answer:
        return await answer.read()


async def turns(count: int) -> None:
    """Let the event loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_finished_connection_serves_the_next_request() -> None:
    client = HttpClient()
    async with upstream(greet) as site:
        assert [await ask(client, site) for _ in range(5)] == [b"hello"] * 5
        assert site.accepted == 1


async def test_connections_in_use_are_not_shared_and_all_are_kept() -> None:
    both = asyncio.Barrier(2)

    async def script(_: Seen, wire: Wire) -> None:
        await both.wait()
        await wire.reply(200, "hello")

    client = HttpClient()
    async with upstream(script) as site:
        for _ in range(2):
            await asyncio.gather(ask(client, site), ask(client, site))
        assert (site.accepted, site.open) == (2, 2)


async def test_origins_do_not_share() -> None:
    client = HttpClient()
    async with upstream(greet) as one, upstream(greet) as other:
        for site in (one, other, one, other):
            await ask(client, site)
        assert (one.accepted, other.accepted) == (1, 1)


async def test_a_body_that_was_not_read_but_has_come_leaves_the_connection_usable() -> None:
    client = HttpClient()
    async with upstream(greet) as site:
        async with client.request("GET", site.url):
            pass
        assert await ask(client, site) == b"hello"
        assert site.accepted == 1


async def test_a_body_that_has_not_come_closes_the_connection() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        await wire.chunk(b"hello")
        await wire.hung_up()

    client = HttpClient()
    async with upstream(script) as site:
        async with client.request("GET", site.url) as answer:
            assert await answer.peek() == b"hello"
        await site.connections(0)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
    ],
)
async def test_connections_that_are_over_are_closed(answer: bytes) -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(answer)
        await wire.hung_up()

    client = HttpClient()
    async with upstream(script) as site:
        assert await ask(client, site) == b"hi"
        await site.connections(0)


@pytest.mark.parametrize("unasked", [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"\r\n"])
async def test_data_on_a_waiting_connection_closes_it(unasked: bytes) -> None:
    waiting = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(200, "hello")
        await waiting.wait()
        await wire.raw(unasked)
        await wire.hung_up()

    client = HttpClient()
    async with upstream(script) as site:
        assert await ask(client, site) == b"hello"
        waiting.set()
        await site.connections(0)


async def test_a_waiting_connection_that_the_upstream_closed_is_not_used() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(200, "hello")
        wire.close()

    client = HttpClient()
    async with upstream(script) as site, asyncio.timeout(10):
        for _ in range(3):
            assert await ask(client, site) == b"hello"
            await site.connections(0)
            await turns(100)
        assert len(site.seen) == 3


async def test_after_an_answer_without_its_body_a_new_connection_is_made() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        await wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + b"hello" * (seen.method == "GET"))

    client = HttpClient()
    async with upstream(script) as site, asyncio.timeout(10):
        async with client.request("HEAD", site.url) as answer:
            assert answer.headers["content-length"] == "5"
        assert await ask(client, site) == b"hello"


async def test_a_connection_that_still_carries_a_request_is_closed() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(413, "too large")
        await wire.hung_up()

    client = HttpClient()
    async with upstream(script) as site:
        request = client.request("POST", site.url, content=bytes(32 * 1024 * 1024), headers={"content-length": "1"})
        async with request as answer:  # the upstream takes the rest of the body only once it has answered
            assert await answer.read() == b"too large"
        await site.connections(0)


async def test_a_waiting_connection_expires() -> None:
    client = HttpClient(Transport(keep_alive=0.01))
    async with upstream(greet) as site:
        await ask(client, site)
        await site.connections(0)
        await ask(client, site)
        assert site.accepted == 2


@pytest.mark.asyncio(loop_factories=["asyncio"])  # uvloop's clock stands still while a callback runs
async def test_an_expired_connection_is_not_used_though_its_timer_is_late() -> None:
    client = HttpClient(Transport(keep_alive=0.01))
    async with upstream(greet) as site:
        await ask(client, site)
        time.sleep(0.02)  # noqa: ASYNC251  # a frozen process
        await ask(client, site)
        assert site.accepted == 2


async def test_the_client_closes_what_waits() -> None:
    client = HttpClient()
    async with upstream(greet) as site:
        await ask(client, site)
        await client.aclose()
        await site.connections(0)


async def test_a_kept_connection_that_turns_out_to_be_closed_is_replaced() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if len(site.seen) == 2:
            wire.reset()
        else:
            await wire.reply(200, seen.body)

    client = HttpClient()
    async with upstream(script) as site:
        for body in (b"1", b"2", b"3"):
            async with client.request("POST", site.url, content=body) as answer:
                assert await answer.read() == body
        assert [seen.body for seen in site.seen] == [b"1", b"2", b"2", b"3"]
        assert site.accepted == 2


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 "])
async def test_a_fresh_connection_or_one_that_began_to_answer_is_not_replaced(said: bytes) -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/greet":
            await wire.reply(200, "hello")
        else:
            await wire.raw(said)
            wire.close()

    client = HttpClient()
    async with upstream(script) as site:
        if said:
            await ask(client, site, "/greet")
        with pytest.raises(UpstreamUnreachable):
            await ask(client, site, "/fail")
        assert [seen.path for seen in site.seen].count("/fail") == 1


async def test_a_request_that_wants_a_connection_of_its_own_is_sent_once() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/greet":
            await wire.reply(200, "hello")
        else:
            wire.close()

    client = HttpClient()
    async with upstream(script) as site:
        await ask(client, site, "/greet")
        with pytest.raises(Unanswered):
            async with client.request("POST", f"{site.url}/fail", headers={"Connection": "close"}):
                pass
        assert [seen.path for seen in site.seen] == ["/greet", "/fail"]
        assert site.accepted == 2


@contextmanager
def server_of_another_thread() -> Iterator[tuple[str, list[object]]]:
    """A keep-alive server that no event loop of ours runs; its URL, and all connections it ever had."""
    connections: list[object] = []

    class Greeting(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(self.client_address)
            super().setup()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Greeting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", connections
    finally:
        server.shutdown()
        thread.join()
        server.socket.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_a_connection_belongs_to_its_event_loop() -> None:
    async def twice(client: HttpClient, url: str) -> list[bytes]:
        bodies = []
        for _ in range(2):
            async with client.request("GET", url) as answer:
                bodies.append(await answer.read())
        return bodies

    client = HttpClient()
    with server_of_another_thread() as (url, connections):
        assert [asyncio.run(twice(client, url)) for _ in range(3)] == [[b"hello"] * 2] * 3
        assert len(connections) == 3
        del client
        gc.collect()  # nothing else closes the sockets of loops that are no more
