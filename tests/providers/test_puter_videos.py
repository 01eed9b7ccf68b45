"""Films of Puter's: done when it answers, and never paid for in vain."""

from typing import Any

import pytest

from core.chat.errors import InvalidRequest, Retry, UpstreamBadResponse, UpstreamError
from core.chat.media import Upload, VideoJob, VideoRequest
from core.chat.ports import VideoProvider
from core.providers.puter.videos import encode
from tests.support.puter import TOKEN, answering, args_of, by_path, captures, connected, refusing, resulting, saying
from tests.support.upstream import Script, Seen, Wire

CAPTURES = captures()
VEO = "togetherai:google/veo-3.0"
FILM = "https://assets.puter.site/txt2vid.mp4"


async def job(script: Script, model: str = VEO) -> VideoJob:
    async with connected(script) as (_, provider):
        assert isinstance(provider, VideoProvider)
        return await provider.make_video(VideoRequest(model, "a cat"), TOKEN)


async def failure(script: Script) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await job(script)
    return raised.value


# Making


async def test_the_captured_call() -> None:
    capture = CAPTURES["84_video_testmode"]
    async with connected(answering(capture)) as (backend, provider):
        made = await provider.make_video(VideoRequest(VEO, "a cat"), TOKEN)
        assert await provider.video(made.reference, TOKEN) == made
    assert made == VideoJob(FILM, "completed", 100)
    [seen] = backend.seen
    assert capture.request is not None
    assert args_of(seen) == {"prompt": "a cat", "model": VEO}
    assert {**capture.request, "args": {}} == {**seen.json, "args": {}, "test_mode": False}


async def test_an_address_in_an_object() -> None:
    assert (await job(resulting({"url": FILM, "content_type": "video/mp4"}))).reference == FILM


@pytest.mark.parametrize(
    "model",
    [
        "sora-2",
        "sora-2-pro",
        "Sora-2 ",
        "openai:sora-2",
        "openai/sora-2",
        "openai:openai/sora-2",
        "togetherai:openai/sora-2",
    ],
)
async def test_a_film_that_would_be_lost_is_refused_before_it_costs(model: str) -> None:
    async with connected(resulting(FILM)) as (backend, provider):
        with pytest.raises(InvalidRequest, match="loses the films") as raised:
            await provider.make_video(VideoRequest(model, "a cat"), TOKEN)
    assert (raised.value.status, raised.value.code, raised.value.param) == (400, "unsupported_model", "model")
    assert backend.seen == []


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"stream": {"_events": {"close": [None]}, "_readableState": {}}, "content_type": "video/mp4"}, "lost it"),
        ("data:video/mp4;base64,AAAA", "no address"),
        ("", "no URL"),
        (None, "no URL"),
    ],
)
async def test_films_that_were_paid_for_in_vain(result: Any, words: str) -> None:
    error = await failure(resulting(result))
    assert isinstance(error, UpstreamBadResponse)
    assert error.retry is Retry.NEVER
    assert words in error.message


async def cut(_: Seen, wire: Wire) -> None:
    wire.close()


@pytest.mark.parametrize(
    ("script", "status", "code", "retry"),
    [
        (refusing(402, "insufficient_funds", "Insufficient funds"), 429, "insufficient_quota", Retry.OTHER_TOKEN),
        (refusing(429, "too_many_requests", "Too many requests."), 429, "rate_limited", Retry.OTHER_TOKEN),
        (refusing(400, "bad_request", "Model not found: x"), 404, "model_not_found", Retry.OTHER_ROUTE),
        (
            refusing(400, "disallowed_value", "Video was filtered due to content policy"),
            400,
            "content_filter",
            Retry.NEVER,
        ),
        (refusing(400, "upstream_failed", "Video generation failed"), 502, "upstream_failed", Retry.OTHER_ROUTE),
        (refusing(500, "internal_error", "Timed out waiting"), 502, "upstream_http_500", Retry.NEVER),
        (saying("", "text/plain", 504), 502, "upstream_http_504", Retry.NEVER),
        (cut, 502, "upstream_unreachable", Retry.NEVER),
    ],
)
async def test_failures(script: Script, status: int, code: str, retry: Retry) -> None:
    error = await failure(script)
    assert (error.status, error.code, error.retry) == (status, code, retry)


# What is asked for

PICTURE = Upload("cat.png", "image/png", b"\x89PNG")
DATA = "data:image/png;base64,iVBORw=="
LISTED = {"durationSeconds": [4, 6, 8], "dimensions": ["1280x720", "720x1280"]}


@pytest.mark.parametrize(
    ("request_", "details", "args"),
    [
        (
            VideoRequest(VEO, "", 6, (1280, 720)),
            LISTED,
            {"seconds": 6, "size": "1280x720", "width": 1280, "height": 720},
        ),
        (
            VideoRequest(VEO, "", 5, (640, 480)),
            {},
            {"seconds": 5, "size": "640x480", "width": 640, "height": 480},
        ),
        (
            VideoRequest("seedance", "", None, (720, 1280)),
            {"durationSeconds": None, "dimensions": ["1080p", "720p"]},
            {"size": "720p", "width": 720, "height": 1280},
        ),
        (VideoRequest("veo-3.1", "", picture=PICTURE), {}, {"input_reference": DATA}),
        (VideoRequest(VEO, "", picture=PICTURE), {}, {"frame_images": [{"input_image": DATA}]}),
    ],
)
def test_arguments(request_: VideoRequest, details: Any, args: dict[str, Any]) -> None:
    assert encode(request_, details) == {"prompt": "", "model": request_.model, **args}


@pytest.mark.parametrize(
    ("request_", "param", "choice"),
    [
        (VideoRequest(VEO, "", 5), "seconds", "4, 6, 8"),
        (VideoRequest(VEO, "", None, (640, 480)), "size", "1280x720, 720x1280"),
    ],
)
def test_a_film_of_another_kind_than_asked_for_is_not_paid_for(request_: VideoRequest, param: str, choice: str) -> None:
    with pytest.raises(InvalidRequest, match=choice) as raised:
        encode(request_, LISTED)
    assert (raised.value.code, raised.value.param) == ("invalid_value", param)


async def test_what_a_model_can_is_in_its_list() -> None:
    lists = saying('{"models":[{"id":"m","aliases":["x/m"],"durationSeconds":[5]}]}')
    async with connected(by_path(resulting(FILM), puterai=lists)) as (backend, provider):
        await provider.models(TOKEN)
        with pytest.raises(InvalidRequest):
            await provider.make_video(VideoRequest("X/M", "a cat", 4), TOKEN)
        await provider.make_video(VideoRequest("X/M", "a cat", 5), TOKEN)
    assert [args_of(seen)["seconds"] for seen in backend.seen if seen.method == "POST"] == [5]


# The film itself


async def seen_at(script: Script) -> tuple[str, bytes]:
    async with (
        connected(script) as (backend, provider),
        provider.video_content(f"{backend.url}/film.mp4", TOKEN) as media,
    ):
        film = b"".join([chunk async for chunk in media.chunks])
    [seen] = backend.seen
    assert (seen.method, seen.path) == ("GET", "/film.mp4")
    assert "authorization" not in seen.headers
    return media.media_type, film


@pytest.mark.parametrize("media_type", ["video/mp4", "application/octet-stream", "binary/octet-stream"])
async def test_a_film_is_passed_on(media_type: str) -> None:
    assert await seen_at(saying(b"<ftyp", media_type)) == (media_type, b"<ftyp")


@pytest.mark.parametrize(
    "script", [saying("no", "text/html"), saying("{}"), saying(b"ID3", "audio/mpeg"), saying("", "video/mp4", 403)]
)
async def test_no_film(script: Script) -> None:
    with pytest.raises(UpstreamBadResponse):
        await seen_at(script)
