"""Vectors, from services that heed what they are asked and from others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat.errors import Retry, UpstreamError
from core.chat.events import Usage
from core.chat.media import EmbeddingRequest
from core.chat.options import Options
from core.providers.openai import Provider
from core.wire.client import HttpClient
from tests.providers.openai.calls import TOKEN
from tests.support.openai_media import SLOPPY_LENGTH, OpenAIMedia, vector
from tests.support.upstream import Seen, Wire, upstream

TEXTS = ("ein Wort", "ein anderes", "🙂")
SMALL, SLOPPY, STRICT = "text-embedding-3-small", "sloppy-embedding", "strict-embedding"


async def test_texts_become_vectors_in_their_order(provider: Provider, media: OpenAIMedia) -> None:
    made = await provider.embed(EmbeddingRequest(SMALL, TEXTS, parameters={"user": "u-1"}), TOKEN)
    assert [list(one) for one in made.vectors] == [vector(text) for text in TEXTS]
    assert made.usage == Usage(5, 0)
    (seen,) = media.asked
    assert (seen.method, seen.path) == ("POST", "/v1/embeddings")
    assert (seen.headers["authorization"], seen.headers["x-org"]) == ("Bearer sk-upstream", "org-7")
    assert seen.json == {"model": SMALL, "input": list(TEXTS), "encoding_format": "base64", "user": "u-1"}


async def test_tokens_go_up_as_tokens(provider: Provider, media: OpenAIMedia) -> None:
    made = await provider.embed(EmbeddingRequest(SMALL, ((1, 2), (3,)), dimensions=4), TOKEN)
    assert [list(one) for one in made.vectors] == [vector([1, 2], 4), vector([3], 4)]
    assert media.asked[0].json["input"] == [[1, 2], [3]]
    assert media.asked[0].json["dimensions"] == 4


async def test_numbers_where_base64_was_asked_for_and_a_foreign_order_are_as_good(provider: Provider) -> None:
    made = await provider.embed(EmbeddingRequest(SLOPPY, TEXTS), TOKEN)
    assert [list(one) for one in made.vectors] == [vector(text, SLOPPY_LENGTH) for text in TEXTS]
    assert made.usage is None


async def test_a_service_that_knows_no_base64_is_asked_for_it_once(provider: Provider, media: OpenAIMedia) -> None:
    for _ in range(2):
        made = await provider.embed(EmbeddingRequest(STRICT, TEXTS), TOKEN)
        assert [list(one) for one in made.vectors] == [vector(text) for text in TEXTS]
    assert ["encoding_format" in seen.json for seen in media.asked] == [True, False, False]
    await provider.embed(EmbeddingRequest(SMALL, TEXTS), TOKEN)
    assert "encoding_format" in media.asked[-1].json, "that was another model's lesson"


async def test_dimensions_that_are_not_heeded_are_refused(provider: Provider) -> None:
    with pytest.raises(UpstreamError) as caught:
        await provider.embed(EmbeddingRequest(SLOPPY, TEXTS, dimensions=4), TOKEN)
    error = caught.value
    assert (error.status, error.code, error.param) == (400, "unsupported_parameter", "dimensions")
    assert error.retry == Retry.OTHER_ROUTE
    made = await provider.embed(EmbeddingRequest(SLOPPY, TEXTS, dimensions=SLOPPY_LENGTH), TOKEN)
    assert len(made.vectors[0]) == SLOPPY_LENGTH


async def test_dimensions_that_are_refused_upstream_are_not_left_out(provider: Provider, media: OpenAIMedia) -> None:
    with pytest.raises(UpstreamError) as caught:
        await provider.embed(EmbeddingRequest(STRICT, TEXTS, dimensions=4), TOKEN)
    assert caught.value.status == 400
    assert "matryoshka" in caught.value.message
    assert "dimensions" in media.asked[-1].json


async def test_a_callers_parameter_that_is_refused_is_the_callers_to_take_back(provider: Provider) -> None:
    with pytest.raises(UpstreamError) as caught:
        await provider.embed(EmbeddingRequest(SMALL, TEXTS, parameters={"truncate": "END"}), TOKEN)
    assert (caught.value.status, caught.value.param) == (400, "truncate")


async def test_as_many_as_there_may_be(http: HttpClient) -> None:
    """2048 texts of 3072 numbers: as digits they would be longer than any answer may be."""
    entries = [{"index": at, "embedding": "AACAPwAAgD8AAIA/" * 1024} for at in range(2048)]

    async def answer(seen: Seen, wire: Wire) -> None:
        assert seen.json["encoding_format"] == "base64"
        await wire.reply(200, json.dumps({"data": entries}))

    async with upstream(answer) as service:
        asked = EmbeddingRequest("m", ("x",) * 2048, dimensions=3072)
        made = await Provider(Options("providers.o", {"base_url": service.url}), http).embed(asked, TOKEN)
    assert {len(vector) for vector in made.vectors} == {3072}
    assert list(made.vectors[-1]) == [1.0] * 3072


GOOD = {"index": 0, "embedding": [1.0, 2.0]}


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [GOOD, GOOD],
        "none",
        {"0": GOOD},
        [None],
        [{"index": 0}],
        [{"index": "a", "embedding": [1.0]}, GOOD],
        [{"index": 0, "embedding": []}],
        [{"index": 0, "embedding": ""}],
        [{"index": 0, "embedding": [1.0, None]}],
        [{"index": 0, "embedding": [[1.0, 2.0]]}],
        [{"index": 0, "embedding": [1.0, float("nan")]}],
        [{"index": 0, "embedding": "AACAfw=="}],  # infinity
        [{"index": 0, "embedding": "AACA"}],
        [{"index": 0, "embedding": "no base64"}],
        [{"index": 0, "embedding": "wörter"}],
        [{"index": 0, "embedding": [10**400]}],
    ],
)
async def test_what_is_no_vector_for_each_text_is_no_answer(http: HttpClient, entries: Any) -> None:
    async def answer(_: Seen, wire: Wire) -> None:
        await wire.reply(200, json.dumps({"data": entries}))

    async with upstream(answer) as service:
        one = Provider(Options("providers.o", {"base_url": service.url}), http)
        with pytest.raises(UpstreamError) as caught:
            await one.embed(EmbeddingRequest("m", ("x",)), TOKEN)
    assert (caught.value.status, caught.value.code) == (502, "upstream_bad_response")
