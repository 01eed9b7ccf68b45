"""Films: a job lives in its id, is looked after and fetched by it, and nobody else can make one up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from core.api import videos
from core.api.videos import parse
from core.chat.errors import Blame, InvalidRequest, Retry, UpstreamError, UpstreamTruncated
from core.chat.media import Upload, VideoJob, VideoRequest
from core.chat.ports import ModelInfo
from tests.api.studio import Studio, client, refusal
from tests.support.road import Scripted

PNG = Upload("p.png", "image/png", b"\x89PNG")
PNG_URL = "data:image/png;base64,iVBORw=="
QUEUED = VideoJob("https://films.example/1?signature=SECRET", "queued")
DONE = QUEUED._replace(status="completed", progress=100)
FILM = ["video/mp4", b"ft", b"yp"]


@asynccontextmanager
async def begun(studio: Studio, **options: Any) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client, and the path of a job that it has begun."""
    async with client(studio, videos.router, **options) as http:
        job = (await http.post("/v1/videos", json={"model": "m", "prompt": "a cat"})).json()
        yield http, f"/v1/videos/{job['id']}"


async def post(studio: Scripted, options: Any = None, **body: Any) -> httpx.Response:
    async with client(studio, videos.router, **(options or {})) as http:
        return await http.post("/v1/videos", json={"model": "m", "prompt": "a cat", **body})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"model": ""}, "model"),
        ({"seconds": "four"}, "seconds"),
        ({"seconds": "0"}, "seconds"),
        ({"seconds": 601}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seconds": 4.5}, "seconds"),
        ({"seconds": "4" * 5000}, "seconds"),
        ({"size": "wide"}, "size"),
        ({"input_reference": 5}, "input_reference"),
        ({"input_reference": {}}, "input_reference"),
        ({"input_reference": {"image_url": 5}}, "input_reference"),
        ({"input_reference": {"file_id": "file-1"}}, "input_reference"),
        ({"input_reference": {"image_url": "https://x.example/p.png"}}, "input_reference"),
        ({"input_reference": {"image_url": "data:image/png;base64,iVBOR"}}, "input_reference"),
        ({"input_reference": Upload("p.png", "image/png", b"")}, "input_reference"),
        ({"input_reference[file_id]": "file-1"}, "input_reference"),
        ({"style": PNG}, "style"),
        ({"pictures": [PNG]}, "pictures"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({"prompt": "a cat", **body})

    assert refused.value.param == param


@pytest.mark.parametrize("seconds", ["8", 8])
def test_seconds_are_a_number_however_they_are_written(seconds: Any) -> None:
    assert parse({"prompt": "a cat", "seconds": seconds}).video.seconds == 8


@pytest.mark.parametrize(
    "given",
    [
        {"input_reference": PNG},
        {"input_reference": {"image_url": PNG_URL}},
        {"input_reference": PNG_URL},
        {"input_reference[image_url]": PNG_URL},
    ],
)
def test_the_first_picture_however_it_comes(given: dict[str, Any]) -> None:
    picture = parse({"prompt": "a cat", **given}).video.picture

    assert picture is not None
    assert picture[1:] == PNG[1:]
    assert parse({"prompt": "a cat"}).video.picture is None


@pytest.mark.parametrize("form", [False, True])
async def test_what_is_asked_for_reaches_the_provider(form: bool) -> None:
    studio = Studio(QUEUED)
    fields = {"model": "m", "prompt": "a cat", "seconds": "8", "size": "64x32", "style": "noir", "api_key": "x"}
    async with client(studio, videos.router) as http:
        files = {"input_reference": PNG[:1] + PNG[2:] + PNG[1:2]}
        body: Any = {"data": fields, "files": files} if form else {"json": {**fields, "input_reference": None}}
        answer = await http.post("/v1/videos", **body)

    picture = PNG if form else None
    assert studio.wanted == [VideoRequest("m", "a cat", 8, (64, 32), picture, {"style": "noir"})]
    assert answer.headers["x-ignored-params"] == "api_key"


async def test_a_job_says_all_that_is_known_of_it() -> None:
    answer = await post(Studio(QUEUED), seconds="8", size="64x32")
    job = answer.json()

    assert answer.headers["openai-poll-after-ms"] == "5000"
    assert answer.headers["x-any2api-provider"] == "a"
    assert job.pop("id").startswith("video_")
    assert job.pop("created_at") > 1_700_000_000
    assert job == {
        "object": "video",
        "model": "m",
        "status": "queued",
        "progress": 0,
        "completed_at": None,
        "expires_at": None,
        "prompt": "a cat",
        "size": "64x32",
        "seconds": "8",
        "remixed_from_video_id": None,
        "error": None,
    }


async def test_a_job_that_is_done_at_once() -> None:
    answer = await post(Studio(DONE))

    assert (answer.json()["status"], answer.json()["progress"]) == ("completed", 100)
    assert answer.json()["completed_at"] == answer.json()["created_at"]
    assert "openai-poll-after-ms" not in answer.headers


async def test_a_job_is_looked_after_with_its_own_token_and_by_its_id_alone() -> None:
    studio = Studio(QUEUED, VideoJob("x", "in_progress", 40), VideoJob("x", "completed", 99))
    async with begun(studio, tokens={"a": "one,two,three"}, models={"a": {"m": "vendor/film"}}) as (http, path):
        under_way, done = await http.get(path), await http.get(path)

    assert studio.wanted[1:] == [QUEUED.reference] * 2
    assert len(set(studio.tokens)) == 1
    assert (under_way.json()["status"], under_way.json()["progress"]) == ("in_progress", 40)
    assert under_way.headers["openai-poll-after-ms"] == "5000"
    assert (done.json()["status"], done.json()["progress"]) == ("completed", 100)
    assert "openai-poll-after-ms" not in done.headers
    assert {answer.json()["id"] for answer in (under_way, done)} == {path.rpartition("/")[2]}
    assert {answer.json()["model"] for answer in (under_way, done)} == {"m"}
    assert done.json()["prompt"] is None


async def test_another_instance_finds_the_job_too() -> None:
    async with begun(Studio(QUEUED)) as (_, path):
        pass
    async with client(Studio(DONE), videos.router) as http:
        assert (await http.get(path)).json()["status"] == "completed"


async def test_a_film_that_failed_says_why_and_no_secret() -> None:
    failed = VideoJob("x", "failed", 50, "blocked; see https://inside.example/?key=SECRET")
    for studio in (Studio(QUEUED, failed), Studio(failed, failed)):
        async with begun(studio) as (http, path):
            answer = await http.get(path)

        assert (answer.status_code, answer.json()["status"]) == (200, "failed")
        assert answer.json()["error"] == {"code": "video_generation_failed", "message": "blocked; see [redacted]"}
    assert "SECRET" not in (await post(Studio(failed))).text


async def test_the_film_itself() -> None:
    studio = Studio(QUEUED, DONE._replace(reference="where it lies"), FILM)
    async with begun(studio) as (http, path):
        answer = await http.get(f"{path}/content", params={"variant": "video"})

    assert (answer.content, answer.headers["content-type"]) == (b"ftyp", "video/mp4")
    assert studio.wanted[2] == "where it lies"
    assert studio.open == 0


@pytest.mark.parametrize(
    ("job", "code"),
    [
        (QUEUED, "video_not_ready"),
        (VideoJob("x", "in_progress", 99), "video_not_ready"),
        (VideoJob("x", "failed"), "video_failed"),
    ],
)
async def test_there_is_no_film_yet(job: VideoJob, code: str) -> None:
    async with begun(Studio(QUEUED, job)) as (http, path):
        assert refusal(await http.get(f"{path}/content")) == (400, code, None)


async def test_nothing_but_the_film_is_there_to_be_fetched() -> None:
    async with begun(Studio(QUEUED)) as (http, path):
        answer = await http.get(f"{path}/content", params={"variant": "thumbnail"})

    assert refusal(answer) == (400, "unsupported_parameter", "variant")


@pytest.mark.parametrize("end", ["", "/content"])
async def test_an_id_that_we_never_gave(end: str) -> None:
    async with begun(Studio(QUEUED)) as (http, path):
        forged = path[:-4] + ("AAAA" if path[-4:] != "AAAA" else "BBBB")
        for identity in (
            forged,
            path.replace("video_", ""),
            "/v1/videos/video_",
            "/v1/videos/video_%ff",
            "/v1/videos/x",
        ):
            assert refusal(await http.get(identity + end)) == (404, "job_not_found", "id")


@pytest.mark.parametrize("end", ["", "/content"])
async def test_the_key_comes_before_the_id(end: str) -> None:
    async with begun(Studio(QUEUED)) as (http, path):
        assert refusal(await http.get(path + end, headers={"x-api-key": "other"})) == (401, "invalid_api_key", None)


async def test_what_is_not_offered() -> None:
    async with begun(Studio(QUEUED)) as (http, path):
        assert refusal(await http.get("/v1/videos")) == (405, "method_not_allowed", None)
        assert refusal(await http.delete(path)) == (405, "method_not_allowed", None)
        assert refusal(await http.post(f"{path}/remix", json={})) == (404, "unknown_url", None)


async def test_without_a_name_the_first_model_that_films_is_meant() -> None:
    studio = Studio(QUEUED, offers=[ModelInfo("chat"), ModelInfo("director", kind="video")])
    answer = await post(studio, {"models": {"a": "discover"}}, model=None)

    assert (studio.wanted[0].model, answer.json()["model"]) == ("director", "director")


async def test_a_failure_that_may_have_cost_is_not_for_trying_again() -> None:
    studio = Studio(UpstreamTruncated(), QUEUED)
    answer = await post(studio)

    assert refusal(answer) == (502, "upstream_truncated", None)
    assert answer.headers["x-should-retry"] == "false"
    assert len(studio.wanted) == 1


async def test_a_look_costs_nothing_and_is_tried_again() -> None:
    async with begun(Studio(QUEUED, UpstreamTruncated(), DONE)) as (http, path):
        assert (await http.get(path)).json()["status"] == "completed"


async def test_failures() -> None:
    limited = UpstreamError("No.", status=429, code="rate_limited", blame=Blame.COOL, retry=Retry.OTHER_TOKEN)

    assert refusal(await post(Studio(limited))) == (429, "rate_limited", None)
    assert refusal(await post(Scripted())) == (400, "unsupported_model", "model")
    assert refusal(await post(Studio(), model="other")) == (404, "model_not_found", "model")


async def test_a_body_of_another_kind() -> None:
    async with client(Studio(), videos.router) as http:
        answer = await http.post("/v1/videos", data={"prompt": "a cat"})

    assert refusal(answer) == (415, "unsupported_media_type", None)


async def test_an_id_fits_into_a_url() -> None:
    presigned = "https://bucket.s3.eu-central-1.amazonaws.com/films/1.mp4?X-Amz-Security-Token=" + "aB3+" * 300
    answer = await post(Studio(QUEUED._replace(reference=presigned)), prompt="a cat " * 5000)

    assert len(answer.json()["id"]) < 3000
