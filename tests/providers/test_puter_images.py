"""Pictures of Puter's: what is asked for, what comes, and who pays for what fails."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from core.chat.errors import Blame, Retry, UpstreamError
from core.chat.media import ImageRequest, Picture, Pictures
from core.chat.ports import ImageProvider
from core.providers.puter.images import encode
from tests.support.puter import (
    TOKEN,
    answering,
    args_of,
    by_path,
    captures,
    connected,
    refusing,
    replying,
    resulting,
    saying,
)
from tests.support.recordings import recordings
from tests.support.upstream import Script, Seen, Wire

CAPTURES = captures()
DATA = "data:image/png;base64,iVBORw0KGgo="
GPT_IMAGE = {
    "allowedQualityLevels": ["low", "medium", "high"],
    "allowedRatios": [{"w": 1024, "h": 1024}, {"w": 1536, "h": 1024}, {"w": 1024, "h": 1536}],
}
GEMINI = {"allowedRatios": [{"w": 1, "h": 1}, {"w": 16, "h": 9}]}


async def made(script: Script, *, model: str = "gpt-image-1", **options: Any) -> Pictures:
    async with connected(script) as (_, provider):
        assert isinstance(provider, ImageProvider)
        return await provider.make_images(ImageRequest(model, "a cat", **options), TOKEN)


async def failure(script: Script, **options: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await made(script, **options)
    return raised.value


def in_turn(scripts: Sequence[Script]) -> Script:
    """A backend that meets each call with the next of these."""
    left = iter(scripts)

    async def script(seen: Seen, wire: Wire) -> None:
        await next(left)(seen, wire)

    return script


# What is asked for


async def test_the_captured_call() -> None:
    capture = CAPTURES["81_image_generate"]
    request = ImageRequest("gpt-image-1", "a cat", size=(1024, 1024), parameters={"quality": "low"})
    async with connected(answering(capture)) as (backend, provider):
        pictures = await provider.make_images(request, TOKEN)
    assert capture.request is not None
    assert args_of(backend.seen[0]) == capture.request["args"]
    assert {**backend.seen[0].json, "test_mode": False} == capture.request
    assert pictures == Pictures((Picture(json.loads(capture.body)["result"]),))
    assert pictures.pictures[0].url.startswith("data:image/png;base64,iVBOR")


async def test_the_recorded_call() -> None:
    recording = recordings("puter")["puter-image-url"]
    async with connected(replying(recording)) as (backend, provider):
        pictures = await provider.make_images(ImageRequest("flux", "a cat", size=(1024, 1024)), TOKEN)
    assert backend.seen[0].json == recording.exchange["upstream"]["body"]
    assert [picture.url for picture in pictures.pictures] == recording.expect["images"]


@pytest.mark.parametrize(
    ("size", "details", "ratio", "ignored"),
    [
        ((1536, 1024), GPT_IMAGE, (1536, 1024), ()),
        ((1536, 1024), {}, (1536, 1024), ()),
        ((512, 512), GPT_IMAGE, (1024, 1024), ("size",)),
        ((800, 600), GPT_IMAGE, (800, 600), ("size",)),
        ((1920, 1080), GEMINI, (16, 9), ()),
        ((1080, 1920), GEMINI, (1080, 1920), ("size",)),
        ((1024, 1024), {"allowedRatios": [None, {}, {"w": 0, "h": 0}]}, (1024, 1024), ("size",)),
    ],
)
def test_a_size_in_the_numbers_of_the_model(size: Any, details: Any, ratio: Any, ignored: Any) -> None:
    args, left_out = encode(ImageRequest("m", "a cat", size=size), details)
    assert args["ratio"] == {"w": ratio[0], "h": ratio[1]}
    assert left_out == ignored


def test_what_has_no_place_is_named() -> None:
    parameters = {"quality": "hd", "style": "vivid", "seed": 7, "background": "transparent", "user": "u"}
    args, ignored = encode(ImageRequest("openai/gpt-image-1", "a cat", parameters=parameters), GPT_IMAGE)
    assert args == {"prompt": "a cat", "model": "openai/gpt-image-1"}
    assert ignored == ("style", "seed", "background", "quality")
    args, ignored = encode(ImageRequest("flux", "a cat", parameters=parameters), {})
    assert args == {"prompt": "a cat", "model": "flux", "quality": "hd", "seed": 7}
    assert ignored == ("style", "background")


async def test_a_listed_model_is_known_by_every_name() -> None:
    entry = {"id": "gpt-image-1", "puterId": "openai:openai/gpt-image-1", **GPT_IMAGE}
    lists = saying(json.dumps({"models": [entry]}))
    request = ImageRequest("OpenAI:openai/gpt-image-1", "a cat", parameters={"quality": "hd"})
    async with connected(by_path(resulting(DATA), puterai=lists)) as (_, provider):
        assert (await provider.make_images(request, TOKEN)).ignored == ()
        await provider.models(TOKEN)
        assert (await provider.make_images(request, TOKEN)).ignored == ("quality",)


# What comes


@pytest.mark.parametrize(
    ("result", "url"),
    [
        ("https://puter-sample-data.puter.site/image_example.png",) * 2,
        (DATA, DATA),
        ({"url": DATA}, DATA),
        ({"asset_url": "https://a.example/x", "url": None}, "https://a.example/x"),
    ],
)
async def test_where_a_picture_is(result: Any, url: str) -> None:
    assert await made(resulting(result)) == Pictures((Picture(url),))


@pytest.mark.parametrize("result", ["", "ftp://a.example/x", "iVBORw0KGgo=", None, 7, [], {}, {"url": 7}])
async def test_no_picture(result: Any) -> None:
    error = await failure(resulting(result))
    assert (error.code, error.retry) == ("upstream_bad_response", Retry.NEVER)


async def test_bytes_are_fetched_where_they_lie() -> None:
    def lying_at(media_type: str, content: bytes = b"\x89PNG") -> Script:
        async def script(seen: Seen, wire: Wire) -> None:
            if seen.path == "/x.png":
                await wire.reply(200, content, content_type=media_type)
            else:
                await resulting(f"http://{seen.headers['host']}/x.png")(seen, wire)

        return script

    [picture] = (await made(lying_at("image/png; charset=x"), as_bytes=True)).pictures
    assert picture.url == "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    [picture] = (await made(lying_at("binary/octet-stream", b"\xff\xd8\xff"), as_bytes=True)).pictures
    assert picture.url == "data:image/jpeg;base64,/9j/"
    [picture] = (await made(lying_at("image/png"))).pictures
    assert picture.url.endswith("/x.png")
    error = await failure(lying_at("text/html"), as_bytes=True)
    assert (error.code, error.retry) == ("upstream_bad_response", Retry.NEVER)
    assert await made(resulting(DATA), as_bytes=True) == Pictures((Picture(DATA),))


async def test_a_picture_that_was_paid_for_and_cannot_be_fetched() -> None:
    error = await failure(resulting("http://127.0.0.1:1/x.png"), as_bytes=True)
    assert error.retry is Retry.NEVER


# How many


async def test_several_pictures_two_at_a_time() -> None:
    running, most, numbers = 0, 0, iter(range(5))
    pairs = asyncio.Barrier(2)

    async def script(seen: Seen, wire: Wire) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        number = next(numbers)
        if number < 4:
            await pairs.wait()
        running -= 1
        await resulting(f"https://a.example/{number}")(seen, wire)

    async with asyncio.timeout(10):
        pictures = (await made(script, n=5)).pictures
    assert sorted(picture.url for picture in pictures) == [f"https://a.example/{number}" for number in range(5)]
    assert most == 2


BROKE = refusing(402, "insufficient_funds", "Insufficient credits for image generation")


async def test_a_failure_is_final_once_something_was_paid_for() -> None:
    unpaid = await failure(in_turn([BROKE, BROKE]), n=4)
    assert (unpaid.retry, unpaid.costly) == (Retry.OTHER_TOKEN, False)
    for scripts in ([resulting(DATA), BROKE], [resulting(DATA)] * 2 + [BROKE] * 2):
        error = await failure(in_turn(scripts), n=4)
        assert (error.code, error.blame, error.retry) == ("insufficient_quota", Blame.QUOTA, Retry.NEVER)
        assert error.costly


async def test_the_failure_that_forbids_another_try_is_the_one_that_counts() -> None:
    async def cut(_: Seen, wire: Wire) -> None:
        wire.close()

    assert (await failure(in_turn([BROKE, cut]), n=2)).retry is Retry.NEVER


# What fails


@pytest.mark.parametrize(
    ("number", "status", "code", "retry"),
    [
        ("81b_image_default_no_model", 400, "upstream_rejected_request", Retry.NEVER),
        ("81c_image_dalle3", 404, "model_not_found", Retry.OTHER_ROUTE),
        ("81e_image_no_prompt", 400, "upstream_rejected_request", Retry.NEVER),
        ("34_err_no_token", 503, "upstream_credentials_unavailable", Retry.OTHER_ROUTE),
        ("35_err_garbage_token", 503, "upstream_credentials_unavailable", Retry.OTHER_TOKEN),
        ("46_err_insufficient_funds_stream", 429, "insufficient_quota", Retry.OTHER_TOKEN),
        ("47_err_upstream_429", 429, "upstream_rate_limited", Retry.OTHER_ROUTE),
        ("47_err_upstream_500", 503, "upstream_unavailable", Retry.OTHER_ROUTE),
        ("95_err_rate_limited", 429, "rate_limited", Retry.OTHER_TOKEN),
        ("96_err_concurrency_2", 429, "rate_limited", Retry.OTHER_TOKEN),
        ("98_bigbody_413", 413, "request_too_large", Retry.NEVER),
    ],
)
async def test_refused_before_it_cost_anything(number: str, status: int, code: str, retry: Retry) -> None:
    error = await failure(answering(CAPTURES[number]))
    assert (error.status, error.code, error.retry) == (status, code, retry)


async def truncated(_: Seen, wire: Wire) -> None:
    await wire.head(200, content_type="application/json")
    await wire.chunk(b'{"success":true,"result":"data:image/png;base64,iVBO')
    wire.close()


async def half_a_head(_: Seen, wire: Wire) -> None:
    await wire.raw(b"HTTP/1.1 200 O")
    wire.close()


async def gone(_: Seen, wire: Wire) -> None:
    wire.reset()


@pytest.mark.parametrize(
    "script",
    [
        gone,
        half_a_head,
        truncated,
        saying(""),
        saying("{"),
        saying("<html>502 Bad Gateway</html>", "text/html", 502),
        saying("<html>We are down</html>", "text/html"),
        saying("error code: 524", "text/plain", 524),
        saying("", status=408),
        saying('{"success":true}'),
        saying('{"success":false,"error":"It broke."}'),
        refusing(500, "internal_error"),
        refusing(503, "db_unavailable"),
    ],
)
async def test_what_may_have_been_done_is_not_tried_again(script: Script) -> None:
    calls = 0

    async def counted(seen: Seen, wire: Wire) -> None:
        nonlocal calls
        calls += 1
        await script(seen, wire)

    async with connected(by_path(counted, puterai=saying('{"models":[]}'))) as (_, provider):
        await provider.models(TOKEN)  # leaves a connection that could be used
        with pytest.raises(UpstreamError) as raised:
            await provider.make_images(ImageRequest("m", "a cat"), TOKEN)
    assert raised.value.retry is Retry.NEVER
    assert calls == 1


async def test_an_upstream_that_is_not_there_was_not_asked() -> None:
    async with connected(gone) as (backend, provider):
        pass
    with pytest.raises(UpstreamError) as raised:
        await provider.make_images(ImageRequest("m", "a cat"), TOKEN)
    assert raised.value.retry is Retry.SAME
    assert backend.seen == []
