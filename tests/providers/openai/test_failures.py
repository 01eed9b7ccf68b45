"""Whatever is asked for, a failure is the same error, and an upstream that lacks something says so itself."""

from __future__ import annotations

import pytest

from core.chat import ports
from core.chat.errors import Blame, Retry, UpstreamError
from core.chat.options import Options
from core.providers.openai import Provider
from core.wire.client import HttpClient
from tests.providers.openai.calls import LOOKING, MAKING, Call
from tests.support.openai_media import FAULTS, OpenAIMedia
from tests.support.upstream import Seen, Wire, upstream

MEANT = {
    "limited": (429, "rate_limited"),
    "locked": (503, "upstream_credentials_unavailable"),
    "broken": (502, "upstream_http_500"),
    "page": (502, "upstream_bad_response"),
    "cut": (502, "upstream_truncated"),
    "empty": (502, "upstream_empty"),
    "blocked": (400, "content_policy_violation"),
    "in-band": (503, "upstream_http_529"),
}


async def failure(url: str, http: HttpClient, call: Call, model: str = "m") -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await call(Provider(Options("providers.o", {"base_url": f"{url}/v1"}), http), model)
    return caught.value


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", [*MAKING.values(), *LOOKING.values()], ids=[*MAKING, *LOOKING])
async def test_what_goes_wrong_upstream(http: HttpClient, call: Call, fault: str) -> None:
    async def answer(_: Seen, wire: Wire) -> None:
        await FAULTS[fault](wire)

    async with upstream(answer) as service:
        error = await failure(service.url, http, call)
    assert (error.status, error.code) == MEANT[fault]


async def test_a_failure_says_what_it_means_for_token_and_patience(http: HttpClient) -> None:
    async with upstream(OpenAIMedia()) as service:
        limited = await failure(service.url, http, MAKING["images"], "limited")
        locked = await failure(service.url, http, MAKING["images"], "locked")
    assert (limited.blame, limited.retry_after) == (Blame.COOL, 7.0)
    assert locked.blame == Blame.DISABLE


@pytest.mark.parametrize("what", MAKING)
async def test_a_service_that_lacks_the_endpoint_offers_none_of_it(http: HttpClient, what: str) -> None:
    lacks = {"/embeddings", "/images/generations", "/audio/speech", "/audio/transcriptions", "/videos"}
    async with upstream(OpenAIMedia(lacks=lacks)) as service:
        error = await failure(service.url, http, MAKING[what])
    assert (error.status, error.code, error.param) == (400, "unsupported_model", "model")
    assert error.retry == Retry.OTHER_ROUTE
    assert error.message == f"The upstream of this model offers no {what}."


@pytest.mark.parametrize("call", MAKING.values(), ids=MAKING)
async def test_a_model_that_does_not_exist_is_another_matter(http: HttpClient, call: Call) -> None:
    async with upstream(OpenAIMedia()) as service:
        error = await failure(service.url, http, call, "no-such-model")
    assert (error.status, error.code) == (404, "model_not_found")


@pytest.mark.parametrize("call", LOOKING.values(), ids=LOOKING)
async def test_a_film_that_is_not_there_was_not_lost_by_the_service(http: HttpClient, call: Call) -> None:
    async with upstream(OpenAIMedia()) as service:
        error = await failure(service.url, http, call)
    assert (error.status, error.code, error.retry) == (404, "video_not_found", Retry.NEVER)


@pytest.mark.parametrize("call", [*MAKING.values(), *LOOKING.values()], ids=[*MAKING, *LOOKING])
async def test_an_address_that_is_none_is_no_lack_of_the_service(http: HttpClient, call: Call) -> None:
    assert (await failure("ftp://127.0.0.1", http, call)).code == "upstream_misconfigured"


async def test_a_provider_has_every_port(provider: Provider) -> None:
    for port in (
        ports.EmbeddingProvider,
        ports.ImageProvider,
        ports.SpeechProvider,
        ports.TranscriptionProvider,
        ports.VideoProvider,
    ):
        assert isinstance(provider, port), port
