from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from tests.support.bounds import bounded
from tests.support.lambda_stand_in import Lambda, function

__all__ = ["bounded"]

ROOT = Path(__file__).parents[3]
WRAPPER = ROOT / "handlers/aws/any2api_runtime"
KEY = "a-key-that-only-tests-present-0123456789"

Deploy = Callable[..., AbstractAsyncContextManager[Lambda]]


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """What Lambda sets for every function, and the key of ours."""
    task = tmp_path / "task"
    task.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LAMBDA_TASK_ROOT": str(task),
        "_HANDLER": "handlers.aws_lambda.stream",
        "AWS_LAMBDA_FUNCTION_NAME": "any2api",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": "eu-central-1",
        "API_MASTER_KEY": KEY,
    }


@pytest.fixture
def deploy(tmp_path, environment, task) -> Deploy:
    """Deploys the gateway with an `any2api.toml`; started by our wrapper as Lambda starts it."""

    def deploy(toml: str, *, limit: float = 30.0, **variables: str) -> AbstractAsyncContextManager[Lambda]:
        (task / "any2api.toml").write_text(toml, "utf-8")
        command = [str(WRAPPER), sys.executable, "/var/runtime/bootstrap.py"]
        return function(command, environment | variables, tmp_path / "log", limit=limit)

    return deploy


@pytest.fixture
def deploy_app(tmp_path, environment) -> Deploy:
    """Deploys one of the strange apps."""

    def deploy(name: str, *, limit: float = 30.0, **variables: str) -> AbstractAsyncContextManager[Lambda]:
        command = [sys.executable, str(Path(__file__).with_name("strange_apps.py")), name]
        return function(command, {**environment, "PYTHONUNBUFFERED": "1", **variables}, tmp_path / "log", limit=limit)

    return deploy


@pytest.fixture
def task(environment) -> Path:
    """The root of the deployed zip."""
    return Path(environment["LAMBDA_TASK_ROOT"])


@pytest.fixture
async def client():
    async with httpx.AsyncClient(timeout=40, trust_env=False) as client:
        yield client
