"""What goes wrong on our own side, rows 93 to 104.

Not here: row 95, since a configuration is read once and never again; row 99, since nothing is shared between instances
(tests/gateway/test_tokens.py shows the random start); row 100 is measured by the benchmark; row 101 concerns the
platforms' handlers; row 104, of a provider that blocks the event loop nothing in the same process can be the judge;
row 105, since no setting is a regular expression.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from core.api import chat_completions
from core.api.shared.state import grant
from core.dialects import openai
from core.gateway import keys
from tests.faults.stage import (
    DONE,
    EXTRA,
    GOOD,
    HELLO,
    TOKENS,
    answered,
    asked,
    broken_off,
    failed,
    refusal,
    refused,
    replies,
    says,
    silent,
)
from tests.support.caller import Said, calling, read, request
from tests.support.gateway import KEY
from tests.support.upstream import Seen, Wire, upstream

NEW_TOKEN = "tok-canary-delta-1c0d"
NEW_KEY = "another-key-that-only-tests-present-987"


class Disk:
    """Secrets as files in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write(TOKENS=TOKENS[0], EXTRA=EXTRA, API_MASTER_KEY=KEY)

    @property
    def url(self) -> str:
        return f"file://{self.directory}"

    def write(self, **secrets: str) -> None:
        self.directory.mkdir(exist_ok=True)
        for name, value in secrets.items():
            (self.directory / name).write_text(value)

    def lose(self) -> None:
        for file in self.directory.iterdir():
            file.unlink()
        self.directory.rmdir()


@pytest.fixture
def disk(tmp_path) -> Disk:
    return Disk(tmp_path / "secrets")


def takes(*tokens: str):
    """An upstream that knows only these tokens."""

    async def script(seen: Seen, wire: Wire) -> None:
        known = seen.headers["authorization"].removeprefix("Bearer ") in tokens
        await (GOOD if known else refusal(401, "Who are you?"))(seen, wire)

    return script


async def test_a_secret_store_that_is_down_at_first(stage, streamed, disk):
    """Row 93: an honest 503 with a hint, and nothing worse; once it is up, all is well."""
    disk.lose()
    async with stage(GOOD, secrets_url=disk.url) as here:
        for _ in range(2):
            refused(await here.ask(stream=streamed), 503, "configuration_unavailable", saying="secret store")
        disk.write(TOKENS=TOKENS[0], EXTRA=EXTRA, API_MASTER_KEY=KEY)
        answered(await here.ask(stream=streamed))


async def test_a_secret_store_that_goes_down(stage, streamed, disk):
    """Row 93: the last good copy serves."""
    async with stage(takes(TOKENS[0]), secrets_url=disk.url, secrets_ttl=0) as here:
        answered(await here.ask(stream=streamed))
        disk.lose()
        answered(await here.ask(stream=streamed))


async def test_a_secret_that_is_not_set(stage, streamed, disk):
    """Row 93: named, so that somebody can set it."""
    (disk.directory / "TOKENS").unlink()
    async with stage(GOOD, secrets_url=disk.url) as here:
        refused(
            await here.ask(stream=streamed), 503, "configuration_unavailable", saying="The secret TOKENS is not set"
        )


async def test_an_upstreams_token_is_rotated_while_we_serve(stage, streamed, disk):
    """Row 94: the refused token is looked up again at once, and the request goes on with the new one."""
    async with stage(takes(NEW_TOKEN), secrets_url=disk.url, secrets_ttl=3600) as here:
        refused(await here.ask(stream=streamed), 503, "upstream_credentials_unavailable")
    disk.write(TOKENS=TOKENS[0])
    known = [TOKENS[0]]

    async def script(seen: Seen, wire: Wire) -> None:
        await takes(*known)(seen, wire)

    async with stage(script, secrets_url=disk.url, secrets_ttl=3600) as here:
        answered(await here.ask(stream=streamed))
        known[:] = [NEW_TOKEN]
        disk.write(TOKENS=NEW_TOKEN)
        answered(await here.ask(stream=streamed))
        used = [seen.headers["authorization"].removeprefix("Bearer ") for seen in here.a.seen]
        assert used == [TOKENS[0], TOKENS[0], NEW_TOKEN]
        assert here.rests == {}


async def test_what_is_under_way_while_a_token_is_rotated(stage, disk):
    """Row 94: it goes on with the old one."""
    gate = asyncio.Event()

    async def script(seen: Seen, wire: Wire) -> None:
        if seen.headers["authorization"].endswith(NEW_TOKEN):
            await GOOD(seen, wire)
            return
        await wire.head(content_type="text/event-stream")
        await wire.chunk(HELLO)
        await gate.wait()
        await says(HELLO)(seen, wire)

    async with stage(script, secrets_url=disk.url, secrets_ttl=0, idle_timeout=20) as here, here.asking() as reader:
        await reader.readuntil(b"lo")
        disk.write(TOKENS=NEW_TOKEN)
        answered(await here.ask())
        gate.set()
        assert b"Hel" in await reader.read()


async def test_callers_keys_are_rotated_while_we_serve(stage, disk, monkeypatch):
    """Row 94: old and new both open for a while, then only the new one does."""
    async with stage(GOOD, secrets_url=disk.url, secrets_ttl=0) as here:

        async def status(key: str) -> int:
            return (await here.send(request(here.url, asked(), headers={"Authorization": f"Bearer {key}"}))).status

        assert (await status(KEY), await status(NEW_KEY)) == (200, 401)
        disk.write(API_MASTER_KEY=NEW_KEY)
        assert (await status(NEW_KEY), await status(KEY)) == (200, 200)
        monkeypatch.setattr(keys, "OVERLAP", 0.0)
        disk.write(API_MASTER_KEY=NEW_KEY + "2")
        assert (await status(NEW_KEY + "2"), await status(NEW_KEY), await status(KEY)) == (200, 401, 401)


def granting(seconds: float):
    """A platform that grants every request so much time."""

    def wrap(app):
        async def play(scope, receive, send):
            grant(scope, seconds)
            await app(scope, receive, send)

        return play

    return wrap


async def test_a_platform_that_is_about_to_kill_us(stage, streamed):
    """Row 96, and row 66: what is left of its time less two seconds is the deadline; the error always gets out."""
    settings = {"wrap": granting(2.2), "first_event_timeout": 20, "idle_timeout": 20}
    async with stage(silent, **settings) as here:
        refused(await here.ask(stream=streamed), 504, "deadline_exceeded")
        await here.a.connections(0)
        assert not here.kept().health.benched
    async with stage(says(HELLO, ends=False), **settings) as here:
        failed(await here.ask(stream=streamed), 504, "deadline_exceeded", streamed=streamed)
        await here.a.connections(0)


async def test_the_configured_limit_counts_where_it_is_shorter(stage, streamed):
    """Row 96."""
    async with stage(says(HELLO, ends=False), wrap=granting(900), total_timeout=0.2, idle_timeout=20) as here:
        failed(await here.ask(stream=streamed), 504, "deadline_exceeded", streamed=streamed)


async def test_a_kept_connection_that_was_closed_meanwhile(stage, streamed):
    """Row 97: as after a freeze; the request is sent once more, on a fresh connection, and counts as one attempt."""
    served = []

    async def script(seen: Seen, wire: Wire) -> None:
        if wire._writer in served:
            wire.close()
            return
        served.append(wire._writer)
        await GOOD(seen, wire)

    async with stage(script) as here:
        for _ in range(4):
            answered(await here.ask(stream=streamed))
        assert here.a.accepted > 1
    assert [entry["attempts"] for entry in here.entries()] == [1] * 4


@pytest.mark.parametrize("moment", [0.0, 4e9])
async def test_a_wall_clock_that_jumps(stage, streamed, monkeypatch, moment):
    """Row 98: neither timeouts nor cool-downs look at it."""
    async with stage(refusal(429, Retry_After="60")) as here:
        await here.ask(stream=streamed)
        monkeypatch.setattr(time, "time", lambda: moment)
        said = await here.ask(stream=streamed)
        assert (said.status, 58 <= int(said.headers["retry-after"]) <= 60) == (429, True)
        assert len(here.a.seen) == 1
    async with stage(GOOD) as here:
        answered(await here.ask(stream=streamed))


class Bug(RuntimeError):
    pass


async def test_a_bug_in_a_provider(stage, streamed, monkeypatch):
    """Rows 102 and 104: before anything was said, a 502 without its details; the log has them once, without secrets."""

    def decode(*_):
        raise Bug(f"cannot read {TOKENS[0]}")

    monkeypatch.setattr(openai.Decoder, "decode", decode)
    async with stage(GOOD) as here:
        said = await here.ask(stream=streamed)
        refused(said, 502, "provider_error", saying="(Bug)")
        assert b"cannot read" not in said.raw
    _logged_once(here, said)


async def test_a_bug_in_a_provider_in_mid_answer(stage, streamed, monkeypatch):
    """Rows 102 and 104: one error event, and the upstream is left."""
    plain = openai.Decoder.decode

    def decode(self, frame):
        if frame.data == "[DONE]":
            raise Bug(f"cannot read {TOKENS[0]}")
        return plain(self, frame)

    monkeypatch.setattr(openai.Decoder, "decode", decode)
    async with stage(says(HELLO, DONE, ends=False, pause=0.05)) as here:
        said = await here.ask(stream=streamed)
        failed(said, 502, "provider_error", streamed=streamed)
        await here.a.connections(0)
    _logged_once(here, said)


async def test_a_bug_in_what_writes_the_answer(stage, streamed, monkeypatch):
    """Row 102: ours, so it is a 500, or the error event of a stream that has begun."""

    def break_down(*_):
        raise Bug(f"cannot write {TOKENS[0]}")

    monkeypatch.setattr(chat_completions.ChatRenderer, "_rarer", break_down)
    monkeypatch.setattr(chat_completions, "_choice", break_down)
    async with stage(says(HELLO, DONE, pause=0.05)) as here:
        said = await here.ask(stream=streamed)
        if streamed:
            broken_off(said, "internal_error", saying="Something went wrong here.")
        else:
            refused(said, 500, "internal_error", saying="Something went wrong here")
        assert b"cannot write" not in said.raw
        await here.a.connections(1)
    _logged_once(here, said)


def _logged_once(here, said) -> None:
    traces = [entry for line in here.log if "exception" in (entry := json.loads(line))]
    assert len(traces) == 1
    assert said.headers["x-request-id"] in json.dumps(traces[0])
    assert "Bug: cannot" in traces[0]["exception"]
    assert "[redacted]" in traces[0]["exception"]


async def test_models_that_a_provider_cannot_list(stage):
    """Row 104: a bug in one list is nobody else's trouble."""
    async with stage(replies(200, {"data": 5}), GOOD, models="discover") as here:
        said = await here.send(request(here.url, b"", method="GET", path="/v1/models"))
        assert (said.status, [model["id"] for model in said.json["data"]]) == (200, ["both"])
        answered(await here.ask(model="b/m"))


ROOT = Path(__file__).parent.parent.parent


FILE = """
[gateway]
idle_timeout = 30
[providers.a]
kind = "openai"
base_url = "%s/v1"
tokens = "secret://TOKENS"
models = ["m"]
"""


async def test_a_stop_while_answers_are_written(tmp_path):
    """Row 103: there is a time of grace; who is not done by then is told so, in the stream or by a status."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    environment |= {"API_MASTER_KEY": KEY, "TOKENS": TOKENS[0]}
    gate = asyncio.Event()

    async def script(seen: Seen, wire: Wire) -> None:
        if not seen.json.get("seed"):
            await says(HELLO, ends=False)(seen, wire)
        await gate.wait()
        await GOOD(seen, wire)

    async with upstream(script) as service:
        (tmp_path / "any2api.toml").write_text(FILE % service.url)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "core.cli", "serve", "--port", "0"),
            cwd=tmp_path, env=environment, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().split()[-1].removesuffix("/v1")
        async with (
            calling(url, request(url, asked(stream=True))) as streamed,
            calling(url, request(url, asked())) as whole,
            calling(url, request(url, asked(seed=1))) as quick,
        ):
            begun = await streamed.readuntil(b"lo")
            await service.connections(3)
            process.send_signal(signal.SIGTERM)
            gate.set()
            answered(await read(quick))
            broken_off(Said(begun + (await read(streamed)).raw), "server_stopping", saying="The server is stopping.")
            refused(await read(whole), 503, "server_stopping")
        _, log = await process.communicate()
    assert log.count(b"server_stopping") == 2
    assert b"Traceback" not in log
