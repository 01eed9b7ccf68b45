"""LangChain's client for OpenAI's embeddings, which sends token arrays unless it is told not to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tiktoken
from langchain_openai import OpenAIEmbeddings
from pydantic import SecretStr

from tests.conformance.gateways import Connected
from tests.conformance.media import studio
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE
from tests.support.openai_media import OpenAIMedia, vector
from tests.support.openai_parameters import body_of

BYTES = tiktoken.Encoding("bytes", pat_str=".", mergeable_ranks={bytes([n]): n for n in range(256)}, special_tokens={})
"""Each byte a token: the true encodings are fetched from the internet."""


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Connected, OpenAIMedia]]:
    with studio() as running:
        yield running


def langchain(gateway: Connected, *, as_tokens: bool) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(
        model="text-embedding-3-small",
        base_url=f"{gateway.url}/v1",
        api_key=SecretStr(KEY),
        max_retries=0,
        timeout=PATIENCE,
        check_embedding_ctx_length=as_tokens,
    )


def test_token_arrays(running: tuple[Connected, OpenAIMedia], monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 85."""
    monkeypatch.setattr(tiktoken, "encoding_for_model", lambda _: BYTES)
    gateway, upstream = running
    vectors = langchain(gateway, as_tokens=True).embed_documents(["ab", "c"])

    assert body_of(upstream.asked[-1])["input"] == [[97, 98], [99]]
    assert vectors == [pytest.approx(vector([97, 98])), pytest.approx(vector([99]))]


def test_strings(running: tuple[Connected, OpenAIMedia]) -> None:
    """Item 85."""
    gateway, upstream = running

    assert langchain(gateway, as_tokens=False).embed_documents(["ab", "c"]) == [vector("ab"), vector("c")]
    assert langchain(gateway, as_tokens=False).embed_query("ab") == vector("ab")
    assert body_of(upstream.asked[-1])["input"] == ["ab"]
