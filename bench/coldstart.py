"""Cold starts: the CPU time of a fresh interpreter from its first instruction to the app's first answer.

The app is called in its own process, without a server. What the interpreter does at its exit is left out, since a
platform that starts an instance for a request does not end it after the answer.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message

from bench.measures import KEY
from bench.processes import HERE

_CHILD = "from bench.coldstart import report; report({target!r}, {method!r}, {path!r}, {body!r})"


def cold_start(target: str, environment: Mapping[str, str], method: str, path: str, body: str = "") -> float:
    """Milliseconds of CPU time until `bench.targets.TARGET` has answered one request."""
    code = _CHILD.format(target=target, method=method, path=path, body=body)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{target} did not answer {method} {path}:\n{done.stderr}")
    return float(done.stdout)


def report(target: str, method: str, path: str, body: str) -> None:
    """Runs in the fresh interpreter: answer one request, print the milliseconds it took from the start."""
    app = importlib.import_module(f"bench.targets.{target}").make_app()
    asyncio.run(_ask(app, method, path, body.encode()))
    sys.stdout.write(f"{time.process_time() * 1000}\n")


async def _ask(app: ASGIApp, method: str, path: str, body: bytes) -> None:
    sent: list[Message] = []
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # the caller stays on the line
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(_scope(method, path), receive, send)
    if sent[0]["status"] != 200:
        raise RuntimeError(f"{method} {path} was answered with {sent}")


def _scope(method: str, path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"authorization", f"Bearer {KEY}".encode())],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
