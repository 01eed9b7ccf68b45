"""`any2api secrets` for Google, as whoever is signed in to gcloud."""

from __future__ import annotations

from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

import pytest

from tests.cli.conftest import ROOT
from tests.support.google import PROJECT, Google, google
from tests.support.upstream import upstream

CANARY = "canary-4f9a0c7b21d84e6f90ab"
STORE = f"gcp-secret-manager://{PROJECT}/any2api"
ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"


@pytest.fixture
async def project() -> AsyncIterator[Google]:
    async with google() as project:
        project.tokens = 1
        yield project


@pytest.fixture
def gcloud(directory, project):
    """A `gcloud` that prints an access token, and nothing but shell on the PATH beside it."""

    def gcloud(script: str = f"echo {project.token}") -> str:
        program = directory / "bin" / "gcloud"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\n[ "$*" = "auth print-access-token" ] || exit 9\n{script}\n')
        program.chmod(0o755)
        return f"{program.parent}:/usr/bin:/bin"

    return gcloud


async def test_set_rotate_and_list(start, project, gcloud):
    variables = {"PATH": gcloud(), ENDPOINT: project.url, "SECRETS_URL": STORE}
    for action, value in (("set", CANARY), ("rotate", "second")):
        process = await start("secrets", action, "TOKENS", stdin=PIPE, **variables)
        out, err = await process.communicate(value.encode())
        assert (process.returncode, out, err) == (0, b"TOKENS is set.\n", b"")
    assert project.secrets == {"any2api-TOKENS": [CANARY, f"second,{CANARY}"]}
    process = await start("secrets", "list", **variables)
    out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"TOKENS\n")
    assert err == b"warning: API_MASTER_KEY, named by gateway.keys, is not set\n"
    assert project.tokens == 1  # nobody asked a metadata server


async def test_a_token_of_ones_own_comes_before_gclouds(start, project, gcloud):
    variables = {"PATH": gcloud("echo wrong"), ENDPOINT: project.url, "CLOUDSDK_AUTH_ACCESS_TOKEN": project.token}
    process = await start("secrets", "list", "--store", STORE, **variables)
    await process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("script", ["exit 1", None], ids=["not signed in", "no gcloud"])
async def test_without_a_sign_in_it_says_how(run, directory, project, gcloud, script):
    async with upstream(project.serve) as gone:
        pass
    nowhere = gone.url.removeprefix("http://")  # where the metadata server is, outside of Google
    (directory / "sitecustomize.py").write_text(f"from core.wire import google\ngoogle.METADATA_HOST = {nowhere!r}\n")
    path = gcloud(script) if script else str(directory)
    variables = {"PATH": path, "PYTHONPATH": f"{directory}:{ROOT}", ENDPOINT: project.url}
    outcome = await run("secrets", "list", "--store", STORE, **variables)
    assert outcome.code == 1
    assert outcome.err.startswith(
        "error: There are no Google credentials: outside of Google, sign in with `gcloud auth"
    )
