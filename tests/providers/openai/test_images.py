"""Pictures, as bytes or as links, from models that know different parameters."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from core.chat.errors import UpstreamError
from core.chat.events import Usage
from core.chat.media import ImageRequest, Picture
from core.chat.options import Options
from core.providers.openai import Provider
from core.wire.client import HttpClient
from tests.providers.openai.calls import TOKEN
from tests.support.openai_media import PICTURE, REVISED, OpenAIMedia
from tests.support.upstream import Seen, Wire, upstream

HELD = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
DALLE, GPT, LINKS = "dall-e-3", "gpt-image-1", "flux-links"


async def test_pictures_as_the_service_gives_them(provider: Provider, media: OpenAIMedia) -> None:
    asked = ImageRequest(DALLE, "a house", 2, (1792, 1024), parameters={"quality": "hd", "style": "vivid"})
    made = await provider.make_images(asked, TOKEN)
    url = media.url + "/files/picture.png"
    assert made.pictures == (Picture(url, REVISED + "a house"),) * 2
    assert (made.usage, made.ignored) == (None, ())
    (seen,) = media.asked
    assert (seen.path, seen.headers["authorization"]) == ("/v1/images/generations", "Bearer sk-upstream")
    assert seen.json == {
        "model": DALLE, "prompt": "a house", "n": 2, "size": "1792x1024", "quality": "hd", "style": "vivid"
    }  # fmt: skip


async def test_what_is_not_asked_for_is_not_sent(provider: Provider, media: OpenAIMedia) -> None:
    await provider.make_images(ImageRequest(DALLE, "a house"), TOKEN)
    assert media.asked[0].json == {"model": DALLE, "prompt": "a house"}


async def test_bytes_are_asked_for_where_they_are_wanted(provider: Provider, media: OpenAIMedia) -> None:
    made = await provider.make_images(ImageRequest(DALLE, "a house", as_bytes=True), TOKEN)
    assert made.pictures == (Picture(HELD, REVISED + "a house"),)
    assert media.asked[0].json["response_format"] == "b64_json"


async def test_a_model_that_always_gives_bytes_is_asked_for_them_once(provider: Provider, media: OpenAIMedia) -> None:
    for _ in range(2):
        made = await provider.make_images(ImageRequest(GPT, "a house", as_bytes=True), TOKEN)
        assert made.pictures == (Picture(HELD),)
        assert made.ignored == ()
    assert made.usage == Usage(5, 272)
    assert ["response_format" in seen.json for seen in media.asked] == [True, False, False]


async def test_a_parameter_that_the_model_does_not_know_is_named(provider: Provider, media: OpenAIMedia) -> None:
    parameters = {"style": "vivid", "seed": 7, "quality": "high"}
    for _ in range(2):
        made = await provider.make_images(ImageRequest(GPT, "a house", parameters=parameters), TOKEN)
        assert made.ignored == ("style", "seed")
    assert len(media.asked) == 4, "two lessons, and then no more"
    assert media.asked[-1].json == {"model": GPT, "prompt": "a house", "quality": "high"}


async def test_a_value_that_the_model_does_not_take_is_the_callers_mistake(
    provider: Provider, media: OpenAIMedia
) -> None:
    with pytest.raises(UpstreamError) as caught:
        await provider.make_images(ImageRequest(GPT, "a house", parameters={"quality": "best"}), TOKEN)
    assert (caught.value.status, caught.value.param) == (400, "quality")
    assert len(media.asked) == 1


async def test_any_complaint_about_the_form_is_heeded_for_no_caller_chose_it(http: HttpClient) -> None:
    async def answer(seen: Seen, wire: Wire) -> None:
        if "response_format" in seen.json:
            await wire.reply(400, '{"error": {"message": "response_format must be url"}}')
        else:
            await wire.reply(200, json.dumps({"data": [{"b64_json": encoded(PICTURE)}]}))

    async with upstream(answer) as service:
        one = Provider(Options("providers.o", {"base_url": service.url}), http)
        made = await one.make_images(ImageRequest("m", "x", as_bytes=True), TOKEN)
    assert made.pictures == (Picture(HELD),)


async def test_a_link_is_followed_where_bytes_are_wanted(provider: Provider, media: OpenAIMedia) -> None:
    made = await provider.make_images(ImageRequest(LINKS, "a house", 2, as_bytes=True), TOKEN)
    assert made.pictures == (Picture(HELD),) * 2
    fetched = media.asked[1:]
    assert [seen.path for seen in fetched] == ["/v1/files/picture.png"] * 2
    assert all("authorization" not in seen.headers for seen in fetched), "the token is for the upstream alone"


async def test_a_link_is_not_followed_into_our_own_network(media: OpenAIMedia) -> None:
    public = HttpClient()
    one = Provider(Options("providers.o", {"base_url": media.url}), public)
    with pytest.raises(UpstreamError) as caught:
        await one.make_images(ImageRequest(LINKS, "a house", as_bytes=True), TOKEN)
    await public.aclose()
    assert caught.value.code == "upstream_bad_response"
    assert len(media.asked) == 1


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("entry", "start"),
    [
        ({"b64_json": encoded(b"\xff\xd8\xff\xe0" + b"x" * 99)}, "data:image/jpeg;base64,/9j/4"),
        ({"b64_json": encoded(b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"x" * 99)}, "data:image/webp;base64,UklGR"),
        ({"b64_json": encoded(b"GIF89a")}, "data:image/gif;base64,R0lGODlh"),
        ({"b64_json": encoded(b"no idea")}, "data:image/png;base64,bm8gaWRlYQ=="),
        ({"b64_json": "data:image/avif;base64,AAAA", "url": None}, "data:image/avif;base64,AAAA"),
        ({"b64_json": "", "url": "https://cdn.example/a.png"}, "https://cdn.example/a.png"),
    ],
)
async def test_bytes_tell_what_they_are(http: HttpClient, entry: Any, start: str) -> None:
    assert (await drawn(http, [entry])).startswith(start)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "upstream_empty"),
        ({}, "upstream_bad_response"),
        (["x"], "upstream_bad_response"),
        ([{}], "upstream_bad_response"),
        ([{"url": 7}], "upstream_bad_response"),
        ([{"url": "javascript:alert(1)"}], "upstream_bad_response"),
        ([{"url": "file:///etc/passwd"}], "upstream_bad_response"),
        ([{"b64_json": "wörter"}], "upstream_bad_response"),
        ([{"b64_json": "A"}], "upstream_bad_response"),
    ],
)
async def test_what_is_no_picture_is_no_answer(http: HttpClient, entries: Any, code: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await drawn(http, entries)
    assert (caught.value.status, caught.value.code) == (502, code)


async def drawn(http: HttpClient, entries: Any) -> str:
    """The URL of the first picture that these entries mean."""

    async def answer(_: Seen, wire: Wire) -> None:
        await wire.reply(200, json.dumps({"created": 1, "data": entries}))

    async with upstream(answer) as service:
        one = Provider(Options("providers.o", {"base_url": service.url}), http)
        return (await one.make_images(ImageRequest("m", "x"), TOKEN)).pictures[0].url
