"""Pictures that are fetched, over real sockets."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from core.chat.errors import InvalidRequest
from core.chat.requests import ChatRequest, Image, Message, OtherPart, Text
from core.dialects import pictures
from core.dialects.pictures import inlined, sniffed
from core.wire.client import HttpClient
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

PNG = b"\x89PNG\r\n\x1a\n"
HELD = "data:image/svg+xml,%3Csvg/%3E"


def data_url(content: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def asking(*urls: str) -> ChatRequest:
    return ChatRequest("m", (Message("user", "Look:"), Message("user", (Text("at"), *map(Image, urls)))))


async def gallery(seen: Seen, wire: Wire) -> None:
    """Shows a picture that ends with its path."""
    await wire.reply(200, PNG + seen.path.encode(), content_type="application/octet-stream")


@asynccontextmanager
async def showing(script: Script = gallery) -> AsyncIterator[tuple[Upstream, HttpClient]]:
    async with upstream(script) as site, aclosing(HttpClient(private_addresses=True)) as http:
        yield site, http


async def refusal(request: ChatRequest, http: HttpClient, most: int = pictures.MOST) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as raised:
        await inlined(request, http, most=most)
    assert (raised.value.status, raised.value.code) == (400, "invalid_image_url")
    return raised.value


async def test_each_picture_in_its_place() -> None:
    file = OtherPart("file", {"type": "file"})
    call = Message("assistant", None)
    async with showing() as (site, http):
        a, b = f"{site.url}/a", site.url.replace("http", "HTTP") + "/b"
        request = ChatRequest(
            "m",
            (
                Message("user", "Look"),
                Message("user", (Image(b, "low", {"x": 1}), Text(a), Image(HELD), Image(a), file)),
                call,
                Message("tool", (Image(a),), tool_call_id="c"),
            ),
            stream=True,
        )
        assert await inlined(request, http) == ChatRequest(
            "m",
            (
                Message("user", "Look"),
                Message(
                    "user",
                    (
                        Image(data_url(PNG + b"/b"), "low", {"x": 1}),
                        Text(a),
                        Image(HELD),
                        Image(data_url(PNG + b"/a")),
                        file,
                    ),
                ),
                call,
                Message("tool", (Image(data_url(PNG + b"/a")),), tool_call_id="c"),
            ),
            stream=True,
        )
        assert sorted(seen.path for seen in site.seen) == ["/a", "/b"]


async def test_nothing_to_fetch() -> None:
    request = asking(HELD)
    assert await inlined(request, HttpClient()) is request


async def test_only_what_is_wanted() -> None:
    async with showing() as (site, http):
        a, b = f"{site.url}/a", f"{site.url}/b"
        request = await inlined(asking(a, b), http, wanted=lambda url: url == b)
        assert request == asking(a, data_url(PNG + b"/b"))
        assert [seen.path for seen in site.seen] == ["/b"]


async def test_all_at_once() -> None:
    """Each is sent only when all were asked for."""
    asked = asyncio.Barrier(3)

    async def script(seen: Seen, wire: Wire) -> None:
        await asked.wait()
        await gallery(seen, wire)

    async with asyncio.timeout(10), showing(script) as (site, http):
        request = await inlined(asking(*(f"{site.url}/{number}" for number in range(3))), http)
    assert request == asking(*(data_url(PNG + b"/%d" % number) for number in range(3)))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", ""),
        (b"<svg>", ""),
        (b"\x89PN", ""),
        (b"%PDF-1.7", ""),
        (b"", ""),
    ],
)
async def test_a_picture_is_what_looks_like_one(content: bytes, media_type: str) -> None:
    """Whatever its server calls it."""
    assert sniffed(content) == media_type

    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(200, content, content_type="image/bmp")

    async with showing(script) as (site, http):
        if media_type:
            assert await inlined(asking(site.url), http) == asking(data_url(content, media_type))
        else:
            problem = await refusal(asking(site.url), http)
            assert problem.message == "What the URL names is no picture in PNG, JPEG, GIF or WebP."


async def test_the_one_that_cannot_be_had_is_named_and_the_others_are_left() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/bad":
            await wire.reply(404, b"secret reason", connection="close")
            wire.close()
        else:
            await wire.hung_up()

    async with showing(script) as (site, http):
        bad = f"{site.url}/bad"
        problem = await refusal(asking(f"{site.url}/slow", HELD, bad, bad), http)
        assert problem.param == "messages[1].content[3].image_url"
        assert problem.message == "What the URL names cannot be fetched: its server answered HTTP 404."
        await site.connections(0)


async def test_a_private_address() -> None:
    async with showing() as (site, _), aclosing(HttpClient()) as http:
        problem = await refusal(asking(site.url), http)
        assert problem.message == "What the URL names cannot be fetched: its address cannot be reached."
        assert site.accepted == 0


async def test_too_many() -> None:
    async with showing() as (site, http):
        urls = [f"{site.url}/{number}" for number in range(3)]
        problem = await refusal(asking(*urls), http, most=2)
        assert (problem.param, site.seen) == ("messages", [])
        assert "At most 2 pictures" in problem.message
        await inlined(asking(*urls, *urls, HELD, HELD), http, most=3)
        assert len(site.seen) == 3


async def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    async with showing() as (site, http):
        monkeypatch.setattr(pictures, "LARGEST", len(PNG) + 1)
        assert "larger than" in (await refusal(asking(f"{site.url}/a"), http)).message
        monkeypatch.setattr(pictures, "LARGEST", len(PNG) + 2)
        monkeypatch.setattr(pictures, "LARGEST_TOGETHER", 2 * len(PNG) + 3)
        assert "together" in (await refusal(asking(f"{site.url}/a", f"{site.url}/b"), http)).message
        monkeypatch.setattr(pictures, "LARGEST_TOGETHER", 2 * len(PNG) + 4)
        await inlined(asking(f"{site.url}/a", f"{site.url}/b"), http)


async def test_who_leaves_while_they_are_fetched_leaves_nothing_behind() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.hung_up()

    async with showing(script) as (site, http):
        fetching = asyncio.create_task(inlined(asking(f"{site.url}/a", f"{site.url}/b"), http))
        await site.connections(2)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        await site.connections(0)


def test_the_documented_bounds() -> None:
    bounds = (pictures.MOST, pictures.LARGEST // 1024 / 1024, pictures.LARGEST_TOGETHER // 1024 / 1024)
    assert bounds == (20, 10, 32)
