"""The command as a process of its own, in an empty directory, with no variable that we did not give it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Outcome:
    code: int | None
    out: str
    err: str


@pytest.fixture
def directory(tmp_path, monkeypatch) -> Path:
    """An empty working directory, and none of our variables."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith(("ANY2API_", "API_", "PUTER_", "FLOWGPT_", "OPENAI_", "UPSTREAM_", "REQUEST_")) or name in {
            "SECRETS_URL",
            "STATE_URL",
        }:
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def start(directory) -> Callable[..., Awaitable[Process]]:
    """Begins `any2api …`; keyword arguments are its environment."""

    def start(*arguments: str, stdin: int | None = None, **environment: str) -> Awaitable[Process]:
        return asyncio.create_subprocess_exec(
            sys.executable, "-m", "core.cli", *arguments,
            cwd=directory, stdin=stdin, stdout=PIPE, stderr=PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
        )  # fmt: skip

    return start


@pytest.fixture
def run(start) -> Callable[..., Awaitable[Outcome]]:
    """Runs `any2api …` to its end."""

    async def run(*arguments: str, **environment: str) -> Outcome:
        process = await start(*arguments, **environment)
        out, err = await process.communicate()
        return Outcome(process.returncode, out.decode(), err.decode())

    return run
