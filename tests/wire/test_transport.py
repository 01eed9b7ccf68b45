"""Connecting, TLS and concurrency, on real sockets."""

import asyncio
import resource
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import trustme

from core.chat.errors import Retry, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from core.wire.client import HttpClient
from core.wire.transport import Transport
from tests.support.tls import HOST, leading_to, serving, trusting
from tests.support.upstream import Seen, Wire, upstream


async def greet(_: Seen, wire: Wire) -> None:
    await wire.reply(200, "hello")


async def ask(client: HttpClient, url: str) -> bytes:
    async with client.request("GET", url) as answer:
        return await answer.read()


# Where to


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    async with upstream(greet) as site:
        assert await ask(HttpClient(Transport(resolver=rebinding)), site.at(HOST)) == b"hello"
        assert site.seen[0].headers["host"] == site.at(HOST).removeprefix("http://")
    assert answers == [["169.254.169.254"]]


async def test_a_public_name_does_not_lead_into_the_private_network() -> None:
    async with upstream(greet) as site:
        client = HttpClient(Transport(resolver=leading_to("127.0.0.1")))
        with pytest.raises(UpstreamError) as caught:
            await ask(client, site.at("api.example.com"))
        assert caught.value.code == "upstream_blocked"
        assert site.accepted == 0


async def test_an_address_that_does_not_answer_is_not_the_last_word() -> None:
    async with upstream(greet) as site:
        client = HttpClient(Transport(resolver=leading_to("::1", "127.0.0.1")))
        assert await ask(client, site.at(HOST)) == b"hello"


async def test_a_refused_connection() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}/v1?key=secret"
        with pytest.raises(UpstreamUnreachable, match=r"^The upstream refused the connection\.$") as caught:
            await ask(HttpClient(), url)
    assert (caught.value.code, caught.value.status, caught.value.retry) == ("upstream_unreachable", 502, Retry.SAME)
    assert not caught.value.reached


async def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(UpstreamUnreachable, match=r"^The name nowhere\.invalid cannot be resolved\.$"):
        await ask(HttpClient(), "http://nowhere.invalid/v1?key=secret")


async def test_no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with upstream(greet) as site:
        assert await ask(HttpClient(), site.url) == b"hello"


# How long


async def hang(*_: object) -> Sequence[str]:
    return await asyncio.get_running_loop().create_future()


async def test_a_look_up_that_takes_too_long() -> None:
    with pytest.raises(UpstreamTimeout, match=HOST) as caught:
        await ask(HttpClient(Transport(resolver=hang, connect_timeout=0.01)), f"http://{HOST}/v1?key=secret")
    assert (caught.value.code, caught.value.status, caught.value.reached) == ("upstream_timeout", 504, False)
    assert "secret" not in caught.value.message


async def test_a_handshake_that_takes_too_long() -> None:
    async with upstream(greet) as site:  # speaks no TLS, and awaits the rest of a head that never comes
        client = HttpClient(Transport(connect_timeout=0.05))
        with pytest.raises(UpstreamTimeout):
            await ask(client, site.at("localhost", "https"))
        await site.connections(0)


# TLS


async def test_tls(authority: trustme.CA) -> None:
    made = []

    def context() -> ssl.SSLContext:
        made.append(trusting(authority))
        return made[-1]

    client = HttpClient(Transport(resolver=leading_to("127.0.0.1"), ssl_context=context))
    async with upstream(greet) as plain, upstream(greet, serving(authority.issue_cert(HOST))) as site:
        await ask(client, plain.url)
        assert made == []
        bodies = [await ask(client, site.at(HOST, "https")) for _ in range(3)]
        await asyncio.gather(*(ask(client, site.at(HOST, "https")) for _ in range(3)))
        await client.aclose()
        await site.connections(0)
    assert bodies == [b"hello"] * 3
    assert len(made) == 1


YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param(lambda _: trustme.CA().issue_cert(HOST), id="self-signed"),
        pytest.param(lambda authority: authority.issue_cert("other.test"), id="wrong host"),
        pytest.param(lambda authority: authority.issue_cert(HOST, not_after=YESTERDAY), id="expired"),
    ],
)
async def test_a_certificate_that_is_not_valid(
    authority: trustme.CA, certificate: Callable[[trustme.CA], trustme.LeafCert]
) -> None:
    client = HttpClient(Transport(resolver=leading_to("127.0.0.1"), ssl_context=partial(trusting, authority)))
    async with upstream(greet, serving(certificate(authority))) as site:
        with pytest.raises(UpstreamUnreachable, match=rf"TLS with {HOST} failed: .*certificate") as caught:
            await ask(client, site.at(HOST, "https") + "/?key=secret")
        await site.connections(0)
        assert site.seen == []
    assert (caught.value.code, caught.value.status) == ("upstream_tls_error", 502)
    assert caught.value.retry is Retry.OTHER_ROUTE


async def test_an_upstream_without_tls() -> None:
    hung_up = asyncio.Event()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(HttpClient(), f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await hung_up.wait()
    assert caught.value.code == "upstream_tls_error"


async def test_a_stranger_is_not_trusted_by_default(authority: trustme.CA) -> None:
    async with upstream(greet, serving(authority.issue_cert("127.0.0.1"))) as site:
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(HttpClient(), site.url)
    assert caught.value.code == "upstream_tls_error"


# Concurrency


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_streams_at_once_wait_for_nobody() -> None:
    all_here = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        if len(site.seen) == 1000:
            all_here.set()
        await all_here.wait()
        await wire.chunk(b"hello")
        await wire.finish()

    client = HttpClient()
    async with upstream(script) as site, asyncio.timeout(120):
        assert await asyncio.gather(*(ask(client, site.url) for _ in range(1000))) == [b"hello"] * 1000
        assert site.open == 1000
        assert await asyncio.gather(*(ask(client, site.url) for _ in range(1000))) == [b"hello"] * 1000
        assert site.accepted == 1000
        await client.aclose()
        await site.connections(0)
