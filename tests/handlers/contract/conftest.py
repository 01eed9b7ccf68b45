"""Fixtures: an upstream, the settings that every artefact takes along, and the artefacts, each built once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.contract import vercel
from tests.handlers.contract.artefacts import Artefact, AwsZip, Laptop, Running, package
from tests.handlers.contract.google import GoogleZip
from tests.handlers.contract.vercel import VercelOutput
from tests.support.bounds import bounded
from tests.support.openai_models import ALL
from tests.support.openai_upstream import OpenAIUpstream, openai_upstream

__all__ = ["bounded"]

SETTINGS = """
[gateway]
secrets_ttl = 0

[providers.up]
kind = "openai"
base_url = "{url}"
tokens = "secret://UPSTREAM_KEYS"

[providers.spent]
kind = "openai"
base_url = "{url}"
tokens = "secret://UPSTREAM_KEYS"
models = ["fails-401"]
"""


@pytest.fixture(scope="session")
def fake_upstream() -> Iterator[OpenAIUpstream]:
    with openai_upstream(ALL) as running:
        yield running


@pytest.fixture
def upstream(fake_upstream: OpenAIUpstream) -> OpenAIUpstream:
    """With nothing asked yet and its gate closed."""
    fake_upstream.reset()
    return fake_upstream


@pytest.fixture(scope="session")
def settings(fake_upstream: OpenAIUpstream, tmp_path_factory) -> Path:
    """The same `any2api.toml` for all."""
    path: Path = tmp_path_factory.mktemp("settings") / "any2api.toml"
    path.write_text(SETTINGS.format(url=fake_upstream.url))
    return path


@pytest.fixture(scope="session")
def laptop(settings: Path, tmp_path_factory) -> Laptop:
    return Laptop(settings.read_text(), tmp_path_factory.mktemp("laptop"))


@pytest.fixture(scope="session")
def aws(settings: Path, tmp_path_factory) -> AwsZip:
    return AwsZip(settings, tmp_path_factory.mktemp("aws"))


@pytest.fixture(scope="session")
def google(settings: Path, tmp_path_factory) -> GoogleZip:
    scratch = tmp_path_factory.mktemp("google")
    package("gcp", settings, scratch)
    return GoogleZip(scratch / "any2api-gcp.zip", scratch)


@pytest.fixture(scope="session")
def vercel_output(settings: Path, tmp_path_factory) -> VercelOutput:
    if reason := vercel.missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return VercelOutput(settings, tmp_path_factory.mktemp("vercel"))


@pytest.fixture(scope="session", params=["laptop", "aws", "google", "vercel_output"])
def artefact(request: pytest.FixtureRequest) -> Artefact:
    found: Artefact = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def running(artefact: Artefact) -> Iterator[Running]:
    """The artefact, started with nothing out of the ordinary."""
    with artefact.start() as running:
        yield running
