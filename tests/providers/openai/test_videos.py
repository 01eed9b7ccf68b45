"""Films: begun, looked after, fetched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat.errors import UpstreamError
from core.chat.media import Upload, VideoJob, VideoRequest
from core.chat.options import Options
from core.providers.openai import Provider
from core.wire.client import HttpClient
from tests.providers.openai.calls import TOKEN, read
from tests.support.openai_media import FAILED, FILM, OpenAIMedia
from tests.support.openai_parameters import File, body_of
from tests.support.upstream import Seen, Upstream, Wire, upstream

FRAME = Upload("first.png", "image/png", bytes(range(256)))


async def test_a_film_from_its_first_frame_to_the_end(provider: Provider, media: OpenAIMedia) -> None:
    asked = VideoRequest("sora-2", "a storm", 8, (1280, 720), FRAME)
    job = await provider.make_video(asked, TOKEN)
    assert job == VideoJob("video_1", "queued")
    (seen,) = media.asked
    assert (seen.method, seen.path, seen.headers["authorization"]) == ("POST", "/v1/videos", "Bearer sk-upstream")
    assert body_of(seen) == {
        "model": "sora-2", "prompt": "a storm", "seconds": "8", "size": "1280x720",
        "input_reference": File("first.png", "image/png", FRAME.content),
    }  # fmt: skip
    assert await provider.video(job.reference, TOKEN) == VideoJob("video_1", "in_progress", 50)
    with pytest.raises(UpstreamError) as early:
        await read(provider.video_content(job.reference, TOKEN))
    assert (early.value.status, "not ready" in early.value.message) == (400, True)
    assert await provider.video(job.reference, TOKEN) == VideoJob("video_1", "completed", 100)
    assert await read(provider.video_content(job.reference, TOKEN)) == ("video/mp4", FILM)
    assert [seen.path for seen in media.asked[1:]] == [
        "/v1/videos/video_1", "/v1/videos/video_1/content", "/v1/videos/video_1", "/v1/videos/video_1/content"
    ]  # fmt: skip
    assert {(seen.method, seen.headers["authorization"]) for seen in media.asked[1:]} == {("GET", "Bearer sk-upstream")}


async def test_a_film_of_words_alone_is_asked_for_by_a_form_too(provider: Provider, media: OpenAIMedia) -> None:
    await provider.make_video(VideoRequest("sora-2", "a storm"), TOKEN)
    assert media.asked[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert body_of(media.asked[0]) == {"model": "sora-2", "prompt": "a storm"}


async def test_further_parameters_go_up_as_they_are(http: HttpClient) -> None:
    async with serving({"id": "v"}) as service:
        asked = VideoRequest("m", "x", parameters={"seed": 7, "negative_prompt": "rain", "loop": True})
        await made_by(service, http).make_video(asked, TOKEN)
    body = body_of(service.seen[0])
    assert (body["seed"], body["negative_prompt"], body["loop"]) == ("7", "rain", "true")


async def test_a_film_that_fails_says_why(provider: Provider) -> None:
    job = await provider.make_video(VideoRequest("sora-2-pro", "a storm"), TOKEN)
    assert await provider.video(job.reference, TOKEN) == VideoJob(job.reference, "failed", 50, FAILED)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, ("queued", 0, "")),
        ({"status": "PENDING", "progress": None}, ("queued", 0, "")),
        ({"status": "processing", "progress": "30"}, ("in_progress", 30, "")),
        ({"status": "running", "progress": 250.7}, ("in_progress", 100, "")),
        ({"status": "succeeded", "progress": 0, "error": None}, ("completed", 100, "")),
        ({"status": "cancelled", "error": "by you"}, ("failed", 0, "by you")),
        ({"status": "failed", "error": {"code": "boom"}}, ("failed", 0, "boom")),
        ({"status": "failed"}, ("failed", 0, "")),
    ],
)
async def test_other_words_for_how_far_it_is(http: HttpClient, said: Any, meant: tuple[str, int, str]) -> None:
    async with serving({"id": 17, **said}) as service:
        job = await made_by(service, http).video("x", TOKEN)
    assert job == ("17", *meant)


async def test_no_reference_leads_elsewhere(http: HttpClient) -> None:
    async with serving({"id": "v"}) as service:
        await made_by(service, http).video("../models?a=ü", TOKEN)
    assert service.seen[0].path == "/videos/..%2Fmodels%3Fa%3D%C3%BC"


@pytest.mark.parametrize("said", [{}, {"id": None, "status": "queued"}, [], "v"])
async def test_what_has_no_id_is_no_job(http: HttpClient, said: Any) -> None:
    async with serving(said) as service:
        with pytest.raises(UpstreamError) as caught:
            await made_by(service, http).make_video(VideoRequest("m", "x"), TOKEN)
    assert caught.value.code == "upstream_bad_response"


def serving(said: Any) -> Any:
    """An upstream that says this, whatever it is asked."""

    async def answer(_: Seen, wire: Wire) -> None:
        await wire.reply(200, json.dumps(said))

    return upstream(answer)


def made_by(service: Upstream, http: HttpClient) -> Provider:
    return Provider(Options("providers.o", {"base_url": service.url}), http)
