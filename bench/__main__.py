"""`python -m bench [--quick]`: runs everything, prints ratios, and keeps them under bench/results/."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import aws_zip
from bench.coldstart import cold_start
from bench.measures import KEY, Measure, Paced, Plain, idle_memory, warm_up
from bench.processes import Server, target, upstream
from bench.report import Results, show_progress, write

BASELINE, GATEWAY = "bare", "any2api"
KEEP_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": ""}
"""Whatever the environment says, no process but the first of its kind compiles anything."""

SETTLE = 6.0
"""Seconds after which httpx has no use for an idle connection any more."""


@dataclass(frozen=True)
class Plan:
    """How much is done in a run."""

    rounds: int
    cold_starts: int
    measures: Sequence[Measure]


FULL = Plan(7, 21, (Plain(requests=1000), Paced(streams=100), Paced(streams=200)))
QUICK = Plan(2, 7, (Plain(requests=500), Paced(streams=100)))


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under a minute, and rougher")
    plan = QUICK if parser.parse_args().quick else FULL
    results = Results(BASELINE, GATEWAY)
    with upstream() as source:
        environment = {"UPSTREAM": f"http://127.0.0.1:{source.port}", "API_MASTER_KEY": KEY, **KEEP_BYTE_CODE}
        run_cold_starts(plan, environment, results)
        aws_zip.run(plan.cold_starts, results)
        with target(BASELINE, environment) as baseline, target(GATEWAY, environment) as gateway:
            run_servers(plan, (baseline, gateway), results)
    write(results)


def run_cold_starts(plan: Plan, environment: Mapping[str, str], results: Results) -> None:
    """A first start of each, not counted, leaves the byte code of all modules behind."""
    body = '{"model": "bench-openai-1-0", "messages": [{"role": "user", "content": "Say a word."}]}'
    for number in range(plan.cold_starts + 1):
        show_progress(f"cold start {number} of {plan.cold_starts}")
        for name, app in ((BASELINE, "six_routes"), (GATEWAY, GATEWAY)):
            milliseconds = cold_start(app, environment, "GET", "/v1/models")
            if number:
                results.add(name, {"cold start ms, to a list of models": milliseconds})
        for name in (BASELINE, GATEWAY):
            milliseconds = cold_start(name, environment, "POST", "/v1/chat/completions", body)
            if number:
                results.add(name, {"cold start ms, to an upstream's answer": milliseconds})


def run_servers(plan: Plan, servers: Sequence[Server], results: Results) -> None:
    """The rounds of a measure take the servers in turns, so that noise meets them alike.

    Plain requests come before streams, which leave many idle connections behind: httpx looks at each of them at
    every request, and the baseline is to be at its best.
    """
    for server in servers:
        warm_up(server)
    time.sleep(SETTLE)
    for server in servers:
        results.add(server.name, idle_memory(server))
    for measure in plan.measures:
        for number in range(plan.rounds):
            show_progress(f"{measure}, round {number + 1} of {plan.rounds}")
            for server in servers if number % 2 == 0 else reversed(servers):
                results.add(server.name, measure(server))


if __name__ == "__main__":
    main()
