"""The benchmark works, and notices when what it measures does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.coldstart import cold_start
from bench.measures import KEY, Paced, Plain, body, idle_memory, load
from bench.processes import Server, target, upstream
from bench.report import Results

needs_linux_and_cc = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="the benchmark needs Linux and a C compiler"
)
PACED = Paced(streams=2, tokens=3, interval_ms=1, ramp_ms=0)


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    with upstream() as server:
        yield f"http://127.0.0.1:{server.port}"


def figures(server: Server) -> dict[str, float]:
    return {**Plain(requests=8, connections=2)(server), **PACED(server), **idle_memory(server)}


@needs_linux_and_cc
def test_each_measure_is_taken_of_both_servers(source: str) -> None:
    environment = {"UPSTREAM": source, "API_MASTER_KEY": KEY}
    with target("bare", environment) as bare, target("any2api", environment) as gateway:
        baseline, ours = figures(bare), figures(gateway)
    assert list(baseline) == list(ours)
    assert min(*baseline.values(), *ours.values()) > 0


@needs_linux_and_cc
def test_a_server_that_refuses_is_no_fast_server(source: str) -> None:
    environment = {"UPSTREAM": source, "API_MASTER_KEY": "another key than the one that is sent"}
    with target("any2api", environment) as gateway:
        with pytest.raises(RuntimeError, match=r"failed 2 of 2 times.*401"):
            PACED(gateway)
        with pytest.raises(RuntimeError, match=r"failed 8 of 8 times.*401"):
            Plain(requests=8)(gateway)


@needs_linux_and_cc
def test_an_answer_that_lacks_tokens_is_a_failure(source: str) -> None:
    with (
        target("bare", {"UPSTREAM": source}) as bare,
        pytest.raises(RuntimeError, match="failed 1 of 1 times: 3 tokens"),
    ):
        load(bare, "stream", body("bench-token-3-0", stream=True), 1, 1, 0, 4)


@needs_linux_and_cc
@pytest.mark.parametrize("app", ["six_routes", "any2api"])
def test_a_cold_start_ends_with_an_answer(source: str, app: str) -> None:
    assert cold_start(app, {"UPSTREAM": source, "API_MASTER_KEY": KEY}, "GET", "/v1/models") > 0


@needs_linux_and_cc
def test_a_cold_start_without_an_answer_is_none(source: str) -> None:
    environment = {"UPSTREAM": source, "API_MASTER_KEY": "another key than the one that is sent"}
    with pytest.raises(RuntimeError, match="any2api did not answer GET /v1/models"):
        cold_start("any2api", environment, "GET", "/v1/models")


def test_a_cold_start_loads_and_builds_nothing_in_vain() -> None:
    program = (
        "from bench.coldstart import report\n"
        "report('any2api', 'GET', '/v1/models', '')\n"
        "import sys\n"
        "from fastapi.openapi.models import OpenAPI\n"
        "assert not {'httpcore', 'h11', 'pydantic.v1'} & sys.modules.keys()\n"
        "assert not OpenAPI.__pydantic_complete__\n"
    )
    environment = {**os.environ, "UPSTREAM": "http://127.0.0.1:9", "API_MASTER_KEY": KEY}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_line_holds_medians_their_ratio_and_its_spread() -> None:
    results = Results("bare", "any2api")
    for bare, ours in ((10.0, 5.0), (20.0, 12.0), (40.0, 16.0)):
        results.add("bare", {"CPU": bare})
        results.add("any2api", {"CPU": ours})
    assert results.table().splitlines()[2] == "| CPU | 20 | 12 | **0.60** | 0.40-0.60 |"
