"""Pictures: what may be asked for, in which form they come, and that nobody pays twice."""

from __future__ import annotations

from typing import Any

import pytest

from core.api import images
from core.api.images import parse
from core.chat.errors import Blame, InvalidRequest, Retry, UpstreamError, UpstreamTruncated
from core.chat.events import Usage
from core.chat.media import ImageRequest, Picture, Pictures
from core.chat.ports import ModelInfo
from tests.api.studio import Studio, client, refusal
from tests.support.road import Scripted

HELD = Picture("data:image/png;base64,AQID", "a finer prompt")
LINKED = Picture("https://pictures.example/1.png")


async def post(studio: Scripted, options: Any = None, **body: Any) -> Any:
    async with client(studio, images.router, **(options or {})) as http:
        return await http.post("/v1/images/generations", json={"model": "m", "prompt": "a cat", **body})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"model": ""}, "model"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"n": "2"}, "n"),
        ({"size": "big"}, "size"),
        ({"size": "1024"}, "size"),
        ({"size": "x1024"}, "size"),
        ({"size": "0x10"}, "size"),
        ({"size": "-1x10"}, "size"),
        ({"size": "1024x1024x3"}, "size"),
        ({"size": "１０x10"}, "size"),
        ({"size": "1" * 5000 + "x10"}, "size"),
        ({"size": 1024}, "size"),
        ({"response_format": "png"}, "response_format"),
        ({"stream": True}, "stream"),
        ({"stream": "no"}, "stream"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({"prompt": "a cat", **body})

    assert refused.value.param == param


@pytest.mark.parametrize(("size", "meant"), [("1536x1024", (1536, 1024)), ("auto", None), (None, None)])
def test_the_size_that_is_meant(size: Any, meant: Any) -> None:
    assert parse({"prompt": "a cat", "size": size}).image.size == meant


async def test_what_is_asked_for_reaches_the_provider() -> None:
    studio = Studio(Pictures((HELD,)))
    answer = await post(
        studio, n=2, size="64x32", response_format="b64_json", stream=False, quality="high", api_key="x"
    )

    assert studio.wanted == [ImageRequest("m", "a cat", 2, (64, 32), True, {"quality": "high"})]
    assert answer.headers["x-ignored-params"] == "api_key"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (None, [{"b64_json": "AQID", "revised_prompt": "a finer prompt"}, {"url": LINKED.url}]),
        ("b64_json", [{"b64_json": "AQID", "revised_prompt": "a finer prompt"}, {"url": LINKED.url}]),
        ("url", [{"url": HELD.url, "revised_prompt": "a finer prompt"}, {"url": LINKED.url}]),
    ],
)
async def test_the_form_of_a_picture(form: str | None, told: Any) -> None:
    answer = await post(Studio(Pictures((HELD, LINKED), ignored=("style",))), response_format=form)

    assert answer.json()["data"] == told
    assert answer.json()["created"] > 1_700_000_000
    assert "usage" not in answer.json()
    assert answer.headers["x-ignored-params"] == "style"
    assert answer.headers["x-any2api-provider"] == "a"


async def test_a_picture_in_plain_letters_becomes_base64() -> None:
    answer = await post(Studio(Pictures((Picture("data:image/svg+xml,%3Csvg/%3E"),))))

    assert answer.json()["data"] == [{"b64_json": "PHN2Zy8+"}]


async def test_usage_is_told_in_the_form_of_pictures() -> None:
    answer = await post(Studio(Pictures((HELD,), Usage(5, 272))))

    assert answer.json()["usage"] == {
        "input_tokens": 5,
        "input_tokens_details": {"text_tokens": 5, "image_tokens": 0},
        "output_tokens": 272,
        "total_tokens": 277,
    }


async def test_without_a_name_the_first_model_that_draws_is_meant() -> None:
    studio = Studio(Pictures((HELD,)), offers=[ModelInfo("chat"), ModelInfo("painter", kind="image")])
    await post(studio, {"models": {"a": "discover"}}, model=None)

    assert studio.wanted[0].model == "painter"


async def test_where_nobody_draws_a_name_is_needed() -> None:
    assert refusal(await post(Studio(), model=None)) == (400, None, "model")


async def test_a_model_that_does_not_draw_is_refused() -> None:
    assert refusal(await post(Scripted())) == (400, "unsupported_model", "model")
    assert refusal(await post(Studio(), model="other")) == (404, "model_not_found", "model")


async def test_a_failure_that_may_have_cost_is_not_for_trying_again() -> None:
    studio = Studio(UpstreamTruncated(), Pictures((HELD,)))
    answer = await post(studio)

    assert refusal(answer) == (502, "upstream_truncated", None)
    assert answer.headers["x-should-retry"] == "false"
    assert len(studio.wanted) == 1


async def test_a_refusal_that_cost_nothing_may_be_tried_again() -> None:
    limited = UpstreamError("No.", status=429, code="rate_limited", blame=Blame.COOL, retry=Retry.OTHER_TOKEN)
    answer = await post(Studio(limited))

    assert answer.status_code == 429
    assert "x-should-retry" not in answer.headers
    unset = await post(Studio(), {"tokens": {"a": ""}})
    assert unset.status_code == 503
    assert "x-should-retry" not in unset.headers


@pytest.mark.parametrize("path", ["/images/generations", "/v1/v1/images/generations", "//v1/images/generations/"])
async def test_the_path_that_is_meant(path: str) -> None:
    async with client(Studio(Pictures((HELD,))), images.router) as http:
        assert (await http.post(path, json={"model": "m", "prompt": "a cat"})).status_code == 200
