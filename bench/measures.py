"""What is measured of a running server, from outside of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from bench.processes import Server, compiled

KEY = "sk-bench-3f9a1c7e5b2d8046"
"""The caller's key, which only the gateway checks."""

LOAD_TIMEOUT = 120.0

Figures: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Paced:
    """Streams side by side, as models send them: one small event at a time, with pauses."""

    streams: int
    tokens: int = 100
    interval_ms: int = 20
    ramp_ms: int = 2000

    def __call__(self, server: Server) -> Figures:
        model = f"bench-token-{self.tokens}-{self.interval_ms * 1000}"
        before = server.cpu_seconds()
        found = load(server, "stream", body(model, stream=True), self.streams, self.streams, self.ramp_ms, self.tokens)
        spent = server.cpu_seconds() - before
        return {
            f"CPU µs per chunk, {self.streams} streams": spent / found["tokens"] * 1e6,
            f"time to first token ms, {self.streams} streams": found["first_token_ms"],
        }


@dataclass(frozen=True)
class Plain:
    """Requests for a whole answer, over connections that are kept."""

    requests: int
    connections: int = 8

    def __call__(self, server: Server) -> Figures:
        before = server.cpu_seconds()
        load(server, "plain", body("bench-openai-1-0", stream=False), self.connections, self.requests, 0, 1)
        return {"CPU ms per plain request": (server.cpu_seconds() - before) / self.requests * 1e3}


def idle_memory(server: Server) -> Figures:
    """What it holds when it has worked and has nothing to do."""
    return {"idle memory MiB": server.memory()}


Measure: TypeAlias = Callable[[Server], Figures]


def warm_up(server: Server) -> None:
    """Lets a server load and allocate what it will need."""
    Paced(streams=20, tokens=20, ramp_ms=0)(server)
    Plain(requests=200)(server)


def body(model: str, *, stream: bool) -> str:
    """A request; the upstream reads from the model's name what it is to answer."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Say a few words."}], "stream": stream})


def load(
    server: Server, mode: str, body: str, connections: int, answers: int, ramp_ms: int, tokens: int
) -> dict[str, Any]:
    """Runs the C client with the arguments that its source explains. Raises `RuntimeError` for any bad answer."""
    numbers = [str(number) for number in (connections, answers, ramp_ms, tokens)]
    command = [str(compiled("load")), mode, str(server.port), KEY, body, *numbers]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=LOAD_TIMEOUT, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    if found["failed"]:
        raise RuntimeError(f"{server.name} failed {found['failed']} of {answers} times: {found['first_failure']}")
    return found
