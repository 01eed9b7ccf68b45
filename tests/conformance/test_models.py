"""The list of models, and each model in it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from openai import NotFoundError

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere
from tests.conformance.schema import check
from tests.support.chat_upstream import ChatUpstream


@everywhere
def test_lists_the_models_by_schema(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 1."""
    listed = gateway.http.get("/v1/models")

    assert listed.status_code == 200
    check(listed.json(), "ListModelsResponse")
    ids = [model["id"] for model in listed.json()["data"]]
    assert len(set(ids)) == len(ids)
    assert set(upstream.models) <= set(ids)


@everywhere
def test_retrieves_every_listed_model_with_raw_and_encoded_slashes(gateway: Connected) -> None:
    """Items 2 and 3."""
    for listed in gateway.http.get("/v1/models").json()["data"]:
        check(listed, "Model")
        for written in (listed["id"], quote(listed["id"], safe="")):
            assert gateway.http.get(f"/v1/models/{written}").json() == listed


@everywhere
def test_does_not_find_a_model_that_is_not_listed(gateway: Connected) -> None:
    """Item 4."""
    answer = gateway.http.get("/v1/models/unheard-of")

    assert answer.status_code == 404
    check(answer.json(), "ErrorResponse")
    assert answer.json()["error"]["code"] == "model_not_found"


@everywhere
def test_the_official_client_lists_and_retrieves(gateway: Connected) -> None:
    """Item 5."""
    with gateway.openai() as client:
        assert "vendor/echo" in [model.id for model in client.models.list()]
        assert client.models.retrieve("vendor/echo").id == "vendor/echo"
        with pytest.raises(NotFoundError):
            client.models.retrieve("unheard-of")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/vendor/echo", "/", "/healthz", "/api/hello"])
def test_a_head_request_gets_the_head_alone(gateway: Connected, path: str) -> None:
    """Item 132."""
    answer = gateway.http.head(path)

    assert (answer.status_code, answer.content) == (200, b"")
