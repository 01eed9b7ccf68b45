import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.chat.completion import Completion, collect
from core.chat.errors import (
    ChatError,
    ConfigError,
    InvalidRequest,
    UpstreamError,
    UpstreamTruncated,
)
from core.chat.events import Finish, Notice, TextDelta
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, ModelInfo, Token
from core.chat.requests import ChatRequest, Image, Message, Text
from core.providers.gptanon import Provider, encode
from core.wire.client import HttpClient
from tests.support.recordings import Recording, recordings, sse
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

RECORDINGS = recordings("gptanon")
DONE = {"type": "done"}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def configured(**options: Any) -> Provider:
    return Provider(Options("providers.gptanon", options), HttpClient())


def ask(*content: str | tuple[Text | Image, ...], **parameters: Any) -> ChatRequest:
    return ChatRequest("m-1", tuple(Message("user", turn) for turn in content), parameters=parameters)


def token(text: str) -> dict[str, str]:
    return {"type": "token", "token": text}


def answering(body: bytes, status: int = 200, content_type: str = "text/event-stream") -> Script:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(status, content_type=content_type)
        if body:
            await wire.chunk(body)
        await wire.finish()

    return script


@asynccontextmanager
async def connected(
    script: Script, path: str | None = None, **options: Any
) -> AsyncIterator[tuple[Upstream, Provider]]:
    """A site that answers by `script`, and the provider for it; `path` is that of its whole endpoint."""
    http = HttpClient(private_addresses=True)
    async with upstream(script) as site:
        where = {"base_url": site.url + "/"} if path is None else {"url": site.url + path}
        try:
            yield site, Provider(Options("providers.gptanon", {**where, **options}), http)
        finally:
            await http.aclose()


async def answer(body: bytes, **reply: Any) -> Completion:
    async with connected(answering(body, **reply)) as (_, provider):
        return await collect(provider.stream(ask("Hi"), NO_TOKEN))


# requests


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=RECORDINGS)
async def test_requests_are_exactly_the_recorded_ones(recording: Recording) -> None:
    async with connected(answering(recording.raw)) as (site, provider):
        await collect(provider.stream(recording.request, NO_TOKEN))
    wanted = json.loads(json.dumps(recording.exchange["upstream"]).replace("https://www.gptanon.com", site.url))
    [seen] = site.seen
    assert (seen.method, site.url + seen.path) == (wanted["method"], wanted["url"])
    assert seen.json == wanted["body"]
    assert {name: seen.headers[name.lower()] for name in wanted["headers"]} == wanted["headers"]
    assert set(seen.headers) - {name.lower() for name in wanted["headers"]} == {
        "host", "content-length", "user-agent", "accept-encoding",
    }  # fmt: skip
    assert "mozilla" not in seen.headers["user-agent"].lower()


def test_the_default_is_the_real_site() -> None:
    recorded = RECORDINGS["gptanon-basic"].exchange["upstream"]
    default = configured()
    assert default._url == recorded["url"]
    assert default._headers == {name: recorded["headers"][name] for name in ("Accept", "Origin", "Referer")}


async def test_another_site_of_the_dialect_has_its_own_endpoint_origin_and_token() -> None:
    script = answering(sse(token("x"), DONE))
    options = {"base_url": "https://unused.test", "origin": "https://app.test/"}
    async with connected(script, "/v2/ask?x=1", **options) as (site, provider):
        await collect(provider.stream(ask("Hi"), Token("one", "t-1")))
    [seen] = site.seen
    assert seen.path == "/v2/ask?x=1"
    assert seen.headers["origin"] == "https://app.test"
    assert seen.headers["referer"] == "https://app.test/chat"
    assert seen.headers["authorization"] == "Bearer t-1"


def test_origin_is_the_endpoints_own_without_its_credentials() -> None:
    assert configured(url="https://me:pw@x.test:8443/a/b")._headers["Origin"] == "https://x.test:8443"


def test_deep_search_is_a_setting() -> None:
    assert encode(ask("Hi"), deep_search=True)["deepSearchEnabled"] is True


@pytest.mark.parametrize("options", [{"url": "www.x.test/api"}, {"base_url": "ftp://x.test"}, {"url": "https:///x"}])
def test_an_address_that_is_none_is_a_configuration_error(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        configured(**options)
    assert raised.value.path == f"providers.gptanon.{next(iter(options))}"


def test_a_misspelt_setting_is_noticed() -> None:
    with pytest.raises(ConfigError, match="deepsearch"):
        configured(deepsearch=True)


def test_pictures_of_all_turns_are_attached() -> None:
    svg = "data:image/svg+xml,%3Csvg%2F%3E"
    body = encode(ask((Text("See"), Image(PIXEL)), (Image(svg), Text("and this"))))
    assert body["message"] == "[user]\nSee\n\n[user]\nand this"
    assert body["attachments"] == [
        {"id": "image-1", "name": "image-1.png", "type": "image/png", "size": 8, "url": PIXEL},
        {"id": "image-2", "name": "image-2.svg", "type": "image/svg+xml", "size": 6, "url": svg},
    ]


async def test_a_picture_with_a_url_is_fetched() -> None:
    """It is attached as if the caller had sent it."""

    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/a.jpg":
            await wire.reply(200, b"\x89PNG\r\n\x1a\n", content_type="image/jpeg")
        else:
            await answering(sse(token("x"), DONE))(seen, wire)

    async with connected(script) as (site, provider):
        asked = ask((Text("See"), Image(site.url + "/a.jpg"), Image(PIXEL)))
        assert (await collect(provider.stream(asked, Token("t", "not-a-real-token")))).text == "x"
    picture, chat = site.seen
    assert "authorization" not in picture.headers
    assert [(attached["name"], attached["size"], attached["url"]) for attached in chat.json["attachments"]] == [
        ("image-1.png", 8, PIXEL),
        ("image-2.png", 8, PIXEL),
    ]


@pytest.mark.parametrize("url", ["/missing.png", "data:text/plain;base64,YQ==", "data:image/png;base64"])
async def test_a_picture_it_cannot_take_is_refused_before_anything_is_sent(url: str) -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(404, b"")

    async with connected(script) as (site, provider):
        url = site.url + url if url.startswith("/") else url
        with pytest.raises(InvalidRequest) as raised:
            await collect(provider.stream(ask("Hi", (Text("a"), Image(url))), NO_TOKEN))
    assert (raised.value.status, raised.value.code) == (400, "invalid_image_url")
    assert raised.value.param == "messages[1].content[1].image_url"
    assert [seen.method for seen in site.seen if seen.method != "GET"] == []


async def test_parameters_it_has_no_place_for_are_named_first() -> None:
    async with connected(answering(sse(token("x"), DONE))) as (_, provider):
        stream = provider.stream(ask("Hi", temperature=0, user="u", max_tokens=5), NO_TOKEN)
        events = [event async for batch in stream for event in batch]
    assert events == [Notice("temperature"), Notice("max_tokens"), TextDelta("x"), Finish("stop")]


# over a real socket


async def test_tokens_come_as_they_are_sent() -> None:
    read = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(sse(token("Hel")))
        await read.wait()
        await wire.chunk(sse(token("lo"), {"type": "complete", "content": "Hello"}, DONE))
        await wire.finish()

    async with connected(script) as (_, provider):
        stream = provider.stream(ask("Hi"), NO_TOKEN)
        assert await anext(stream) == [TextDelta("Hel")]
        read.set()
        assert [batch async for batch in stream] == [[TextDelta("lo"), Finish("stop")]]


@pytest.mark.parametrize(
    ("body", "reply", "code"),
    [
        (b"", {}, "upstream_empty"),
        (b"data: [DONE]\n\n", {}, "upstream_empty"),
        (sse({"type": "session"}, DONE), {}, "upstream_empty"),
        (b"<!doctype html><p>Welcome", {"content_type": "text/html"}, "upstream_bad_response"),
        (b'{"error":"no free model"}', {"content_type": "application/json"}, "upstream_stream_error"),
        (b'{"error":', {"content_type": "application/json"}, "upstream_bad_response"),
        (b'{"error":"slow down"}', {"status": 429}, "rate_limited"),
        (b"", {"status": 500}, "upstream_http_500"),
    ],
)
async def test_what_is_no_answer_says_so(body: bytes, reply: dict[str, Any], code: str) -> None:
    with pytest.raises(ChatError) as raised:
        await answer(body, **reply)
    assert raised.value.code == code


async def test_events_under_a_wrong_content_type_are_still_events() -> None:
    got = await answer(b"\xef\xbb\xbf" + sse(token("ok"), DONE), content_type="application/json")
    assert got.text == "ok"


async def test_a_broken_connection_is_a_cut_answer() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(sse(token("A"), {"type": "complete", "content": "A"}))
        wire.close()

    async with connected(script) as (_, provider):
        stream = provider.stream(ask("Hi"), NO_TOKEN)
        assert await anext(stream) == [TextDelta("A")]
        with pytest.raises(UpstreamTruncated):
            await anext(stream)


async def test_closing_the_stream_closes_the_connection() -> None:
    gone = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(sse(token("A")))
        await wire.hung_up()
        gone.set()

    async with connected(script) as (_, provider):
        stream = provider.stream(ask("Hi"), NO_TOKEN)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator, seen as an iterator
        await asyncio.wait_for(gone.wait(), 5)


async def test_answers_at_the_same_time_do_not_mix() -> None:
    both = asyncio.Barrier(2)

    async def script(seen: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        for piece in seen.json["message"]:
            await both.wait()
            await wire.chunk(sse(token(piece)))
        await wire.chunk(sse(DONE))
        await wire.finish()

    async with connected(script) as (_, provider):
        streams = (provider.stream(ask(text), NO_TOKEN) for text in ("first", "other"))
        one, two = await asyncio.gather(*map(collect, streams))
    assert (one.text, two.text) == ("first", "other")


# models


@pytest.mark.parametrize("path", [None, "/api/chat/stream", "/somewhere/else"])
async def test_active_models_are_listed(path: str | None) -> None:
    listed = [
        {"modelId": "a/1", "name": "One", "isActive": True, "isFree": True},
        {"modelId": "b/2", "isActive": False},
        {"modelId": "c/3"},
        {"name": "nameless"},
        "odd",
    ]
    async with connected(answering(json.dumps(listed).encode()), path) as (site, provider):
        models = await provider.models(NO_TOKEN)
    assert models == [ModelInfo("a/1"), ModelInfo("c/3")]
    assert (site.seen[0].method, site.seen[0].path) == ("GET", "/api/models")


@pytest.mark.parametrize(("body", "status"), [(b"{}", 200), (b"<html>", 200), (b"", 200), (b"", 503)])
async def test_a_list_that_is_none_is_an_error(body: bytes, status: int) -> None:
    async with connected(answering(body, status)) as (_, provider):
        with pytest.raises(UpstreamError):
            await provider.models(NO_TOKEN)
