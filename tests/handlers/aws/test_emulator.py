"""AWS's own Runtime Interface Emulator takes what our runtime sends. A stream comes out whole, with its prelude."""

from __future__ import annotations

import asyncio
import json
import platform
import shutil
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.handlers.aws.conftest import WRAPPER
from tests.handlers.aws.test_aws_lambda import AUTHORIZED, DEMO, events, question
from tests.handlers.aws.upstreams import says, toml
from tests.support.lambda_events import function_url_event
from tests.support.lambda_wire import Request
from tests.support.upstream import upstream

REQUIREMENTS = Path(__file__).with_name("emulator.txt")
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
STRANGE = Path(__file__).with_name("strange_apps.py")


@pytest.fixture(scope="session")
def emulator(pytestconfig) -> Path:
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        pytest.skip("AWS's emulator runs on Linux alone")
    folder = pytestconfig.cache.mkdir("aws-lambda-rie")
    binary = folder / f"samcli/local/rapid/aws-lambda-rie-{ARCHITECTURES[platform.machine()]}"
    if not binary.exists():
        install = ["uv", "pip"] if shutil.which("uv") else [sys.executable, "-m", "pip"]
        options = ["--no-deps", "--require-hashes", "--target", str(folder), "-r", str(REQUIREMENTS)]
        done = subprocess.run([*install, "install", *options], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"the package index does not give the emulator: {done.stderr.strip().splitlines()[-1]}")
    binary.chmod(0o755)
    return binary


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def emulated(emulator, environment, tmp_path):
    """Runs a function in the emulator; what it gives invokes it with an event."""

    @asynccontextmanager
    async def emulated(*command: str, **variables: str):
        api, front = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        options = ["--runtime-api-address", api, "--runtime-interface-emulator-address", front]
        with (tmp_path / "rie").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                emulator, *options, *command, env=environment | variables, stdout=log, stderr=log
            )
        try:
            async with httpx.AsyncClient(base_url=f"http://{front}", timeout=20, trust_env=False) as client:
                await accepts(front)
                yield lambda event: client.post("/2015-03-31/functions/function/invocations", json=event)
        finally:
            process.terminate()
            await process.wait()

    return emulated


async def accepts(address: str) -> None:
    """Returns when something listens there; whoever waits for it is broken off by the test's own limit."""
    host, _, port = address.partition(":")
    while True:
        with suppress(ConnectionError):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return
        await asyncio.sleep(0.02)


async def test_it_takes_our_streams(emulated, task):
    command = [str(WRAPPER), sys.executable, "handlers.aws_lambda.stream"]
    asked = function_url_event(Request("POST", "/v1/chat/completions", AUTHORIZED), question(stream=True))
    preflight = function_url_event(Request("OPTIONS", "/v1/models", {}), b"")
    async with upstream(says("Hel", "lo")) as up:
        (task / "any2api.toml").write_text(toml(up))
        async with emulated(*command) as invoke:
            for _ in range(2):
                prelude, payload = (await invoke(asked)).content.split(bytes(8))
                assert json.loads(prelude)["statusCode"] == 200
                assert json.loads(prelude)["headers"]["content-type"].startswith("text/event-stream")
                assert events(payload.decode())[-1] == "[DONE]"
            prelude, payload = (await invoke(preflight)).content.split(bytes(8))
            assert (json.loads(prelude)["statusCode"], payload) == (204, b"\n")
            assert (await invoke({"source": "aws.events"})).json() == {"ok": True}
        assert up.accepted == 1


async def test_it_takes_our_trailers(emulated):
    asked = function_url_event(Request("GET", "/", {}), b"")
    async with emulated(sys.executable, str(STRANGE), "raises_in_text") as invoke:
        for _ in range(2):
            answer = await invoke(asked)
            assert answer.content.endswith(bytes(8) + b"half an ")


async def test_it_takes_our_report_of_a_start_that_fails(emulated, task):
    (task / "any2api.toml").write_text(DEMO + "typo = 1\n")
    async with emulated(str(WRAPPER), sys.executable, "handlers.aws_lambda.stream") as invoke:
        answer = (await invoke({})).json()
    assert answer["errorType"] == "ConfigError"
    assert answer["errorMessage"].startswith("any2api.toml:3: providers.demo.typo: ")
