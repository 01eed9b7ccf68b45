"""What a URL names that somebody else chose. A stand-in for the internet: all public addresses lead to this machine."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial

import pytest
import trustme

from core.chat.errors import UpstreamTruncated
from core.wire import client as client_module
from core.wire.client import HttpClient
from core.wire.fetching import Fetched, FetchError
from tests.support.internet import PUBLIC, PUBLIC6, Internet
from tests.support.tls import HOST, serving, trusting
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

UNREACHABLE = "What the URL names cannot be fetched: its address cannot be reached."
LIMIT = 1024 * 1024


@asynccontextmanager
async def internet(script: Script, **options: object) -> AsyncIterator[tuple[Upstream, Internet, HttpClient]]:
    """A server that answers by `script` to every public name, the way to it, and a client that takes that way."""
    way = Internet(**options)  # type: ignore[arg-type]  # as the test gives them
    async with upstream(script) as site, aclosing(HttpClient(internet=way)) as client:
        yield site, way, client


def replying(body: bytes, **headers: str) -> Script:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(200, body, **headers)

    return script


def redirecting(*targets: str) -> Script:
    """Leads from one target to the next, and answers at the end; `{}` stands for the port."""

    async def script(seen: Seen, wire: Wire) -> None:
        place = int(seen.path.removeprefix("/"))
        if place == len(targets):
            await wire.reply(200, b"found", content_type="image/png")
        else:
            port = seen.headers["host"].rpartition(":")[2]
            await wire.reply((301, 302, 303, 307, 308)[place % 5], b"", Location=targets[place].format(port))

    return script


async def failure(client: HttpClient, url: str, limit: int = LIMIT, **options: float) -> str:
    with pytest.raises(FetchError) as raised:
        await client.fetch(url, limit=limit, **options)
    assert raised.value.status == 502
    return raised.value.message


# What is fetched


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [("image/png", "image/png"), ("Image/PNG; charset=x", "image/png"), ("", "")],
)
async def test_a_body_and_its_type(content_type: str, media_type: str) -> None:
    async with internet(replying(b"bytes", content_type=content_type)) as (site, way, client):
        assert await client.fetch(site.at(HOST) + "/a?b=c#d", limit=5) == Fetched(media_type, b"bytes")
        [seen] = site.seen
        assert (seen.method, seen.path, seen.body) == ("GET", "/a?b=c", b"")
        assert seen.headers["host"] == site.at(HOST).removeprefix("http://")
        assert seen.headers.keys() == {"host", "accept", "accept-encoding", "user-agent"}
        assert way.reached == [PUBLIC]


@pytest.mark.parametrize(("host", "address"), [("six.test", PUBLIC6), ("nat64.test", "64:ff9b::5db8:d70e")])
async def test_public_addresses_of_the_other_family(host: str, address: str) -> None:
    async with internet(replying(b"x")) as (site, way, client):
        assert (await client.fetch(site.at(host), limit=1)).content == b"x"
        assert way.reached == [address]


async def test_a_compressed_body() -> None:
    async with internet(replying(gzip.compress(b"bytes"), content_encoding="gzip")) as (site, _, client):
        assert (await client.fetch(site.at(HOST), limit=5)).content == b"bytes"


async def test_https_with_the_right_name(authority: trustme.CA) -> None:
    way = Internet(context=partial(trusting, authority))
    certificate = serving(authority.issue_cert(HOST))
    async with upstream(replying(b"x"), tls=certificate) as site, aclosing(HttpClient(internet=way)) as client:
        assert (await client.fetch(site.at(HOST, "https"), limit=1)).content == b"x"


@pytest.mark.parametrize("name", ["another.test", PUBLIC, "127.0.0.1"])
async def test_https_with_another_name(authority: trustme.CA, name: str) -> None:
    way = Internet(context=partial(trusting, authority))
    certificate = serving(authority.issue_cert(name))
    async with upstream(replying(b"x"), tls=certificate) as site, aclosing(HttpClient(internet=way)) as client:
        assert await failure(client, site.at(HOST, "https")) == UNREACHABLE
        assert site.seen == []


# What is not


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.png",
        "/etc/passwd",
        "//upstream.test/a.png",
        "file:///etc/passwd",
        "ftp://upstream.test/a.png",
        "gopher://upstream.test:70/x",
        "javascript:alert(1)",
        "data:image/png;base64,AA==",
        "unix:/var/run/docker.sock",
        "http:",
        "http://",
        "http:///a.png",
        "https://user@upstream.test/",
        "https://user:pass@upstream.test/",
        "http://upstream.test\\@10.0.0.1/",
        "http://10.0.0.1\\@upstream.test/",
        "http://upstream.test:99999/",
        "http://upstream.test:8080:80/",
        "http://upstream.test:x/",
        "http://up\nstream.test/",
        "http://up\tstream.test/",
        "http://[::1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://١٢٧.0.0.1/",
        "http://xn--a/",
        "http://0177.0.0.1/",
        "http://upstream.test/" + "a" * 70_000,
    ],
)
async def test_urls_that_are_none_of_ours(url: str) -> None:
    way = Internet()
    assert await failure(HttpClient(internet=way), url) in {
        "What the URL names cannot be fetched: it is no URL.",
        "What the URL names cannot be fetched: its URL must begin with http:// or https:// and hold no password.",
        UNREACHABLE,
    }
    assert (way.asked, way.reached) == ([], [])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1.",
        "127.0.0.1。",
        "127.1",
        "2130706433",
        "0x7f000001",
        "127%2e0.0.1",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2001:0:7f00:1::]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[2606:2800:21f:cb07::1%25eth0]",
        "[fec0::1]",
        "[ff02::1]",
        "inside.test",
        "half-inside.test",
        "loopback.test",
        "metadata.google.internal",
        "empty.test",
        "nonesuch.test",
        "up%20stream.test",
        "up..test",
    ],
)
async def test_hosts_that_are_not_public(host: str) -> None:
    """Whatever the reason, it looks the same from outside."""
    way = Internet()
    client = HttpClient(internet=way)
    for url in (f"http://{host}/", f"https://{host}/", f"http://{host}:8080/"):
        assert await failure(client, url) == UNREACHABLE
    assert way.reached == []


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "127.0.0.0x1", "127.0.0.1.", "localhost.", "127%2e0.0.1", "a@b"]
)
async def test_odd_spellings_are_not_even_looked_up(host: str) -> None:
    """Others may read them otherwise than we do."""
    way = Internet(private=True)
    await failure(HttpClient(internet=way), f"http://{host}/")
    assert way.asked == []


@pytest.mark.parametrize("port", [0, 1, 22, 25, 81, 442, 1023])
async def test_ports_of_other_services(port: int) -> None:
    way = Internet()
    assert await failure(HttpClient(internet=way), f"http://{HOST}:{port}/") == UNREACHABLE
    assert way.asked == []


async def test_nobody_at_home() -> None:
    async def not_http(_: Seen, wire: Wire) -> None:
        await wire.raw(b"SSH-2.0-OpenSSH_9.9\r\n")

    async def silent(_: Seen, wire: Wire) -> None:
        wire.reset()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://{HOST}:{listener.getsockname()[1]}/"
    assert await failure(HttpClient(internet=Internet()), nowhere) == UNREACHABLE
    for script in (not_http, silent):
        async with internet(script) as (site, _, client):
            assert await failure(client, site.at(HOST)) == UNREACHABLE


async def test_the_second_answer_of_a_resolver_is_never_asked_for() -> None:
    """The name leads to this machine as soon as it has been checked."""

    class Rebinding(Internet):
        async def resolve(self, host: str, port: int) -> Sequence[str]:
            found = await super().resolve(host, port)
            self.names[host] = ["127.0.0.1"]
            return found

    way = Rebinding()
    async with upstream(replying(b"x")) as site, aclosing(HttpClient(internet=way)) as client:
        assert (await client.fetch(site.at(HOST), limit=1)).content == b"x"
        assert (way.asked, way.reached) == ([HOST], [PUBLIC])
    assert await failure(client, site.at(HOST)) == UNREACHABLE


async def test_a_connection_of_a_provider_serves_no_one_else() -> None:
    async with upstream(replying(b"x")) as site, aclosing(HttpClient()) as client:
        async with client.request("GET", site.url) as answer:
            await answer.read()
        assert await failure(client, site.url) == UNREACHABLE
        assert len(site.seen) == 1


@pytest.mark.parametrize("status", [201, 204, 206, 300, 302, 304, 401, 404, 500])
async def test_statuses(status: int) -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(b"HTTP/1.1 %d Secret reason\r\nContent-Length: 0\r\n\r\n" % status)

    async with internet(script) as (site, _, client):
        problem = f"What the URL names cannot be fetched: its server answered HTTP {status}."
        assert await failure(client, site.at(HOST)) == problem


# Where it leads on


async def test_redirects_are_followed_as_far_as_three_go() -> None:
    script = redirecting("/1", "http://other.test:{}/2", "//six.test:{}/3")
    async with internet(script) as (site, way, client):
        assert await client.fetch(site.at(HOST) + "/0", limit=5) == Fetched("image/png", b"found")
        assert way.reached == [PUBLIC, "203.0.114.7", PUBLIC6]
        assert [seen.headers["host"].partition(":")[0] for seen in site.seen] == [HOST, HOST, "other.test", "six.test"]


@pytest.mark.parametrize("targets", [["/1", "/2", "/3", "/4"], ["/0"]])
async def test_and_no_further(targets: list[str]) -> None:
    async with internet(redirecting(*targets)) as (site, _, client):
        problem = "What the URL names cannot be fetched: it is redirected again and again."
        assert await failure(client, site.at(HOST) + "/0") == problem
        assert len(site.seen) == 4


@pytest.mark.parametrize(
    "target",
    [
        "http://inside.test:{}/1",
        "http://127.0.0.1:{}/1",
        "http://[::ffff:127.0.0.1]:{}/1",
        "//localhost:{}/1",
        "http://2130706433:{}/1",
        "http://169.254.169.254/latest/meta-data/",
        "http://nonesuch.test:{}/1",
        "http://upstream.test:22/",
        "http://[::1",
        "http://upstream.test:x/",
    ],
)
async def test_redirects_inside(target: str) -> None:
    async with internet(redirecting(target)) as (site, way, client):
        assert await failure(client, site.at(HOST) + "/0") in {
            UNREACHABLE,
            "What the URL names cannot be fetched: it is no URL.",
        }
        assert (way.reached, len(site.seen)) == ([PUBLIC], 1)


@pytest.mark.parametrize("target", ["ftp://upstream.test/1", "file:///etc/passwd", "http://user:pass@upstream.test/"])
async def test_redirects_to_what_is_no_web_address(target: str) -> None:
    async with internet(redirecting(target)) as (site, _, client):
        assert "must begin with http:// or https://" in await failure(client, site.at(HOST) + "/0")
        assert len(site.seen) == 1


async def test_https_never_becomes_http(authority: trustme.CA) -> None:
    way = Internet(context=partial(trusting, authority))
    certificate = serving(authority.issue_cert(HOST))
    script = redirecting("http://other.test:{}/1")
    async with upstream(script, tls=certificate) as site, aclosing(HttpClient(internet=way)) as client:
        problem = "What the URL names cannot be fetched: it is redirected from https to http."
        assert await failure(client, site.at(HOST, "https") + "/0") == problem
        assert way.reached == [PUBLIC]


async def test_no_cookie_goes_along() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/":
            await wire.reply(302, b"", Location="/next", set_cookie="a=b")
        else:
            await wire.reply(200, b"x")

    async with internet(script) as (site, _, client):
        await client.fetch(site.at(HOST), limit=1)
        assert "cookie" not in site.seen[1].headers


# How much, and how long


async def test_what_says_that_it_is_too_large_is_not_read() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1))
        await wire.hung_up()

    async with internet(script) as (site, _, client):
        assert await failure(client, site.at(HOST)) == "What the URL names cannot be fetched: it is larger than 1 MiB."
        await site.connections(0)


@pytest.mark.parametrize("compressed", [False, True])
async def test_what_grows_too_large(compressed: bool) -> None:
    body = bytes(LIMIT + 1)

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(**({"content_encoding": "gzip"} if compressed else {}))
        await wire.chunk(gzip.compress(body) if compressed else body)
        await wire.hung_up()

    async with internet(script) as (site, _, client):
        assert "it is larger than 1 MiB" in await failure(client, site.at(HOST))
        await site.connections(0)


async def test_just_the_limit() -> None:
    async with internet(replying(bytes(LIMIT))) as (site, _, client):
        assert len((await client.fetch(site.at(HOST), limit=LIMIT)).content) == LIMIT


async def test_a_bomb() -> None:
    bomb = gzip.compress(bytes(32 * LIMIT))
    async with internet(replying(bomb, content_encoding="gzip")) as (site, _, client):
        problem = "What the URL names cannot be fetched: its server does not send it whole."
        assert await failure(client, site.at(HOST), limit=64 * LIMIT) == problem


async def test_a_body_that_is_cut() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        wire.close()

    async with internet(script) as (site, _, client):
        problem = "What the URL names cannot be fetched: its server does not send it whole."
        assert await failure(client, site.at(HOST)) == problem


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_server_that_takes_too_long(said: bytes) -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(said)
        await wire.hung_up()

    async with internet(script) as (site, _, client):
        problem = "What the URL names cannot be fetched: it took longer than 0.1 s."
        assert await failure(client, site.at(HOST), patience=0.1) == problem
        await site.connections(0)


# Private addresses, where they are allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "inside.test", "half-inside.test", "loopback.test"])
async def test_private_addresses_where_they_are_allowed(host: str) -> None:
    async with internet(replying(b"x"), private=True) as (site, _, client):
        assert (await client.fetch(site.at(host), limit=1)).content == b"x"


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "[fe80::1]",
    ],
)
async def test_the_keys_of_clouds_are_nobodys(host: str) -> None:
    way = Internet(private=True)
    assert await failure(HttpClient(internet=way), f"http://{host}/latest/") == UNREACHABLE
    assert way.reached == []


async def test_the_clients_own_way_is_to_public_addresses_unless_it_is_told_otherwise() -> None:
    async with upstream(replying(b"x")) as site:
        async with aclosing(HttpClient()) as client:
            assert await failure(client, site.url) == UNREACHABLE
        async with aclosing(HttpClient(private_addresses=True)) as client:
            assert (await client.fetch(site.url, limit=1)).content == b"x"
            assert site.open == 1
        await site.connections(0)


# Downloads


async def test_a_download_is_read_as_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_BODY", 3)
    go_on = asyncio.Event()

    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/0":
            await wire.reply(302, b"", Location="/film")
            return
        await wire.head(content_type="video/mp4")
        await wire.chunk(b"first")
        await go_on.wait()
        await wire.chunk(b"then")
        await wire.finish()

    async with internet(script) as (site, _, client), client.download(site.at(HOST) + "/0") as answer:
        assert answer.headers["content-type"] == "video/mp4"
        chunks = answer.chunks()
        assert await anext(chunks) == b"first"
        go_on.set()
        assert [chunk async for chunk in chunks] == [b"then"]


async def test_a_download_that_nobody_wants_any_more() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        await wire.chunk(b"first")
        await wire.hung_up()

    async with internet(script) as (site, _, client):
        async with client.download(site.at(HOST)):
            pass
        await site.connections(0)


async def test_a_download_that_is_cut_or_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head()
        await wire.chunk(b"half")
        wire.close()

    async with internet(script) as (site, _, client):
        async with client.download(site.at(HOST)) as answer:
            with pytest.raises(UpstreamTruncated):
                await answer.read()
        monkeypatch.setattr(client_module, "MAX_DOWNLOAD", 3)
        async with client.download(site.at(HOST)) as answer:
            with pytest.raises(Exception, match="longer than"):
                await answer.read()


@pytest.mark.parametrize("url", ["ftp://upstream.test", "http://10.0.0.1", "http://inside.test"])
async def test_a_download_of_what_may_not_be_fetched(url: str) -> None:
    with pytest.raises(FetchError):
        async with HttpClient(internet=Internet()).download(url):
            pytest.fail("there is nothing to read")
