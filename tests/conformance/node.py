"""A Node that runs the scenarios of `tests/node` against a gateway."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.gateways import Connected
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE

SCRIPTS = Path(__file__).parent.parent / "node"


class Node:
    """One process for all scenarios, since starting one takes longer than most of them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, gateway: Connected, client: str, scenario: str, prompt: str = "hello", **asked: Any) -> Any:
        """What a scenario found out. Fails where it could not be played to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        where = {"baseURL": f"{gateway.url}/v1", "apiKey": KEY}
        line = {"client": client, "scenario": scenario, "prompt": prompt, **where, **asked}
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        answered, _, _ = select.select([self._process.stdout], [], [], 2 * PATIENCE)
        assert answered, f"{client} never came to the end of {scenario}"
        told = json.loads(self._process.stdout.readline())
        assert "problem" not in told, told["problem"]
        return told.get("result")


def running_node() -> Iterator[Node]:
    """Without node, or the clients for it, there is nothing to prove; where all must be proved that is a failure."""
    if not shutil.which("node") or not (SCRIPTS / "node_modules" / "ai").is_dir():
        missing = "needs node, and `npm ci` in tests/node"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    environment = {"PATH": os.environ["PATH"]}
    with subprocess.Popen(
        ["node", "run.mjs"], cwd=SCRIPTS, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Node(process)
        process.kill()
