"""Embeddings: every form of input, both forms of vectors, and usage that says where it is from."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from core.api import embeddings
from core.api.embeddings import parse
from core.chat.errors import InvalidRequest, Retry, UpstreamError
from core.chat.events import Usage
from core.chat.media import EmbeddingRequest, Embeddings
from tests.api.studio import Studio, client, refusal

MADE = Embeddings(([0.1, -2.5], (1.0, 1e-9)), Usage(7, 0))


async def post(studio: Studio, **body: Any) -> Any:
    async with client(studio, embeddings.router) as http:
        return await http.post("/v1/embeddings", json={"model": "m", "input": ["a", "b"], **body})


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("text", ("text",)),
        (["a", "b"], ("a", "b")),
        ([0], ((0,),)),
        ([1, 2, 3], ((1, 2, 3),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
        (list(range(5000)), (tuple(range(5000)),)),
        (["x"] * 2048, ("x",) * 2048),
    ],
)
def test_every_form_of_input(given: Any, inputs: Any) -> None:
    assert parse({"model": "m", "input": given}).embedding.inputs == inputs


NOTHING = [None, "", [], [""], ["a", ""], [[]], [[1], []], [None]]
MIXED = [[1, "a"], ["a", [1]], [True], [1.5], [[1.5]], [[True]], [[["a"]]], {}, 5]
TOO_MANY = [["x"] * 2049, [[1]] * 2049]


@pytest.mark.parametrize("given", [*NOTHING, *MIXED, *TOO_MANY])
def test_a_wrong_input_is_named(given: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({"model": "m", "input": given})

    assert refused.value.param == "input"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "256"}, "dimensions"),
        ({"dimensions": True}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"encoding_format": 1}, "encoding_format"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({"model": "m", "input": "a", **body})

    assert refused.value.param == param


async def test_vectors_stand_in_the_order_of_their_inputs() -> None:
    studio = Studio(MADE)
    answer = await post(studio, user="someone", dimensions=2)

    assert studio.wanted == [EmbeddingRequest("m", ("a", "b"), 2, {"user": "someone"})]
    assert answer.headers["x-any2api-provider"] == "a"
    assert "x-usage-estimated" not in answer.headers
    assert answer.json() == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.1, -2.5]},
            {"object": "embedding", "index": 1, "embedding": [1.0, 1e-9]},
        ],
        "model": "m",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


async def test_base64_is_little_endian_floats_of_four_bytes() -> None:
    answer = await post(Studio(MADE), encoding_format="base64")

    told = [struct.unpack("<2f", base64.b64decode(entry["embedding"])) for entry in answer.json()["data"]]
    assert told == [pytest.approx((0.1, -2.5)), pytest.approx((1.0, 1e-9))]


async def test_a_number_that_four_bytes_cannot_hold_is_no_answer() -> None:
    huge = Embeddings(([0.5, 1e300],), Usage(1, 0))

    assert refusal(await post(Studio(huge), encoding_format="base64")) == (502, "upstream_bad_response", None)
    assert (await post(Studio(huge))).status_code == 200


@pytest.mark.parametrize(
    ("given", "tokens"), [("eight letters!!!", 4), (["中文中文", "abcd"], 4), ([[1, 2], [3]], 3), ([5], 1)]
)
async def test_usage_that_nobody_measured_is_marked(given: Any, tokens: int) -> None:
    answer = await post(Studio(Embeddings(([0.5],))), input=given)

    assert answer.json()["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert answer.headers["x-usage-estimated"] == "true"


async def test_a_length_that_was_not_heeded_is_no_success() -> None:
    assert refusal(await post(Studio(MADE), dimensions=3)) == (400, "unsupported_value", "dimensions")


async def test_a_credential_in_the_body_goes_nowhere() -> None:
    studio = Studio(MADE)
    answer = await post(studio, api_key="sk-x", base_url="http://x")

    assert answer.headers["x-ignored-params"] == "base_url, api_key"
    assert studio.wanted[0].parameters == {}


@pytest.mark.parametrize("path", ["/embeddings", "/v1/v1/embeddings/", "/V1/Embeddings"])
async def test_the_path_that_is_meant(path: str) -> None:
    async with client(Studio(MADE), embeddings.router) as http:
        assert (await http.post(path, json={"model": "m", "input": "a"})).status_code == 200


async def test_the_key_comes_before_the_body() -> None:
    async with client(Studio(MADE), embeddings.router) as http:
        answer = await http.post("/v1/embeddings", content=b"{", headers={"x-api-key": "other"})

    assert refusal(answer) == (401, "invalid_api_key", None)


async def test_an_upstreams_failure_is_an_honest_status() -> None:
    answer = await post(Studio(UpstreamError("No.", status=429, code="rate_limited", retry=Retry.NEVER)))

    assert refusal(answer) == (429, "rate_limited", None)


async def test_thousands_of_vectors() -> None:
    made = Embeddings(tuple([0.25] * 1024 for _ in range(2048)))
    answer = await post(Studio(made), input=["x"] * 2048, encoding_format="base64")

    data = json.loads(answer.content)["data"]
    assert [entry["index"] for entry in data] == list(range(2048))
    assert len({entry["embedding"] for entry in data}) == 1
