"""R8 and R9: after a thousand faults of all kinds nothing is left behind, and no secret has shown anywhere."""

from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc
from collections import Counter
from collections.abc import Mapping

import psutil

from core.gateway import road
from core.providers.demo.faults import FAULTS
from tests.faults.stage import (
    DONE,
    END,
    EXTRA,
    GOOD,
    HELLO,
    TOKENS,
    Stage,
    asked,
    delta,
    event,
    in_turn,
    refusal,
    replies,
    says,
    silent,
    text,
)
from tests.faults.test_d1_reaching import hang_up, reset
from tests.faults.test_d3_streams import breaks, raw
from tests.support.caller import CHAT, COMPLETIONS, Said, calling, read, request
from tests.support.upstream import Script, Seen, Wire

T = {}
ROUNDS = 1000
AT_ONCE = 20
SEED = 20250621
MOST_KEPT = 512 * 1024
"""Bytes that may be allocated more than before. A thousand requests of which each left one task, one connection or
one exception with its frames would have left several megabytes."""

QUOTING = f"Bad key {TOKENS[0]} and {EXTRA}, {TOKENS[1]}!"
PAGE = f"<html><title>{QUOTING}</title></html>".encode()

SCRIPTS: Mapping[str, Script] = {
    "good": GOOD,
    "slow": says(HELLO, END, pause=0.01),
    "silent": silent,
    "reset": reset,
    "hang-up": hang_up,
    "500": refusal(500, QUOTING),
    "500-empty": replies(500),
    "503": refusal(503, QUOTING, Retry_After="3"),
    "529-page": replies(529, PAGE, content_type="text/html"),
    "400": refusal(400, QUOTING, param=TOKENS[0]),
    "404": refusal(404, f"no model {TOKENS[0]}"),
    "429": refusal(429, QUOTING, Retry_After="1"),
    "418": replies(418, QUOTING.encode(), content_type="text/plain"),
    "redirect": replies(307, Location="http://127.0.0.1:9/"),
    "page": replies(200, PAGE, content_type="text/html"),
    "nothing": says(),
    "only-done": says(DONE),
    "first-event": says(event({"error": {"message": QUOTING, "code": 529}})),
    "late-event": says(HELLO, event({"error": {"message": QUOTING, "param": EXTRA}}), pause=0.005),
    "cut": says(HELLO),
    "cut-early": breaks(delta(role="assistant")),
    "cut-late": breaks(HELLO, text("!")),
    "reset-late": breaks(HELLO, reset=True),
    "short": raw("Content-Type: application/json\r\nContent-Length: 900", b'{"choices": [{"mess'),
    "stall": says(HELLO, ends=False),
    "stall-early": says(ends=False),
    "garbage": says(HELLO, event(b"{") * 3),
    "odd-events": says(
        *(event(odd) for odd in ([], {"choices": 5}, {"choices": [5]}, {"choices": [{"delta": 5}]})), END
    ),
    "not-gzip": replies(200, HELLO + END, content_encoding="gzip", content_type="text/event-stream"),
    "once": in_turn(*[refusal(502), GOOD] * 2000),
}
REFUSING: Mapping[str, Script] = {
    "401": refusal(401, QUOTING),
    "402": refusal(402, QUOTING),
    "403": refusal(403, QUOTING),
}
HEAVY = {"giant", "endless", "bomb", "many-tiny", "slow"}
"""Words in the names of the demo's faults that take megabytes or seconds by nature; each has a test of its own."""

DEMO = [name for name in FAULTS if not any(word in name for word in HEAVY)]


async def scripted(seen: Seen, wire: Wire) -> None:
    await SCRIPTS[seen.json["model"]](seen, wire)


async def refusing(seen: Seen, wire: Wire) -> None:
    await REFUSING[seen.json["model"]](seen, wire)


async def one_fault(here: Stage, chance: random.Random) -> str:
    """Ask for a random fault in a random way; what came of it."""
    where = chance.choice("aaab") if chance.random() < 0.7 else "demo"
    model = chance.choice({"a": [*SCRIPTS], "b": [*REFUSING], "demo": DEMO}[where])
    path, prompt = (CHAT, {}) if chance.random() < 0.8 else (COMPLETIONS, {"prompt": "Say hello."})
    body = {**asked(stream=chance.random() < 0.5, model=f"{where}/{model}"), **prompt, "n": chance.choice([1, 1, 1, 2])}
    if prompt:
        del body["messages"]
    leaves = chance.random() < 0.25
    patience, appetite = chance.choice([0.0, 0.005, 0.05]), chance.choice([1, 200, 700])
    async with calling(here.url, request(here.url, body, path=path)) as reader:
        if leaves:
            await asyncio.sleep(patience)
            here.heard.append(await reader.read(appetite) if chance.random() < 0.5 else b"")
            return "left"
        said = await read(reader)
    here.heard.append(said.raw)
    return lawful(said, model)


def lawful(said: Said, model: str) -> str:
    """What kind of end an answer had; every one has exactly one, and HTTP agrees with it."""
    assert not said.reset, model
    assert said.is_complete, (model, said.raw)
    if said.status != 200:
        assert 400 <= said.status < 600
        assert set(said.json["error"]) == {"message", "type", "param", "code"}
        return "refused"
    assert (said.error is None) == bool(said.finishes), (model, said.raw)
    assert not said.is_stream or said.is_done == (said.error is None), (model, said.raw)
    return "answered" if said.error is None else "broken off"


async def many_faults(here: Stage, count: int, seed: int) -> Counter[str]:
    chances = [random.Random(seed * count + number) for number in range(count)]

    async def worker() -> list[str]:
        ends = []
        while chances:
            ends.append(await one_fault(here, chances.pop()))
        return ends

    return Counter(end for ends in await asyncio.gather(*[worker() for _ in range(AT_ONCE)]) for end in ends)


async def kept(here: Stage, tasks: set[asyncio.Task]) -> int:
    """Bytes that are allocated once nothing is under way and no connection is kept."""
    await here.rest(tasks)
    here.check_canaries()
    for each in here.upstreams.values():
        each.seen.clear()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def test_a_thousand_faults(stage, monkeypatch):
    monkeypatch.setattr(road, "LONGEST_WAIT", 0.0)
    limits = {"first_event_timeout": 0.1, "idle_timeout": 0.1, "commit_after": 0.05}
    demo = {"demo": {"kind": "demo", "pace": 0.001}}
    models = [*SCRIPTS, *REFUSING]
    async with stage(scripted, refusing, tokens=TOKENS, models=models, others=demo, **limits) as here:
        process, tasks = psutil.Process(), here.served.tasks()
        files = process.num_fds()
        tracemalloc.start()
        try:
            await many_faults(here, 300, seed=1)
            before = await kept(here, tasks)
            ends = await many_faults(here, ROUNDS, seed=SEED)
            after = await kept(here, tasks)
        finally:
            tracemalloc.stop()
        assert ends.total() == ROUNDS
        assert min(ends[end] for end in ("answered", "refused", "broken off", "left")) > ROUNDS / 50, ends
        await here.until(lambda: process.num_fds() <= files)
        assert after - before < MOST_KEPT
        assert here.requests == ROUNDS + 300
