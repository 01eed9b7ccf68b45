"""An answer in the terminal."""

import asyncio
import io
import json
import signal

import pytest

from core.chat.events import (
    Finish,
    ImageOutput,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.cli.chat import Screen
from tests.support.upstream import Seen, Wire, upstream

TOKEN = "canary-4f9a0c7b21d84e6f90ab"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, *events) -> tuple[str, str]:
    notes = io.StringIO()
    screen = Screen(out, notes)
    for event in events:
        screen.show(event)
    screen.end_line()
    return out.getvalue(), notes.getvalue()


def test_reasoning_is_dimmed_for_a_person():
    events = ReasoningDelta("hm"), ReasoningDelta("m\x1b[31m"), TextDelta("Hel"), TextDelta("lo"), Finish("stop")
    out, _ = shown(Terminal(), *events)
    assert out == "\x1b[2mhm\x1b[22m\x1b[2mm[31m\x1b[22m\nHello\n"


def test_a_pipe_gets_the_bare_answer():
    out, notes = shown(
        io.StringIO(),
        Notice("top_p"),
        ReasoningDelta("hmm"),
        TextDelta("Hel"),
        TextDelta("lo\n"),
        Finish("stop", usage=Usage(3, 4)),
    )
    assert out == "Hello\n"
    assert notes == "left out: top_p\n3 tokens in, 4 out\n"


@pytest.mark.parametrize(
    ("finish", "note"),
    [
        (
            Finish("length", "MAX_TOKENS", Usage(1, 2, estimated=True)),
            "ended by MAX_TOKENS; 1 tokens in, 2 out, estimated",
        ),
        (Finish("content_filter"), "ended by content_filter"),
    ],
)
def test_an_end_that_is_no_stop_is_said(finish, note):
    assert shown(io.StringIO(), TextDelta("x"), finish) == ("x\n", f"{note}\n")


def test_everything_else_that_can_happen():
    out, notes = shown(
        io.StringIO(),
        TextDelta("wrong"),
        TextReplacement("right"),
        RefusalDelta(" I will not."),
        ToolCallStart("1", "look\x07up"),
        ToolCallDelta("1", "{}"),
        ImageOutput("data:" + "A" * 1000),
    )
    assert out.splitlines() == ["wrong", "right I will not.", "data:" + "A" * 495 + "…"]
    assert notes == "calls lookup\n"


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    return b"data: %s\n\n" % json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}).encode()


@pytest.fixture
def settings(directory):
    def settings(url: str) -> None:
        (directory / "any2api.toml").write_text(
            f'[providers.x]\nkind = "openai"\nbase_url = "{url}"\ntokens = "secret://T"\nmodels = ["m", "n"]\n'
        )

    return settings


async def test_an_answer_is_streamed(run, settings):
    async def answer(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(event({"reasoning_content": "hmm"}) + event({"content": "Hel"}))
        await wire.chunk(event({"content": "lo 你\x1b[2J"}, "stop") + b"data: [DONE]\n\n")
        await wire.finish()

    async with upstream(answer) as server:
        settings(server.url)
        outcome = await run("chat", "n", "Say hello", T=TOKEN)
    assert (outcome.code, outcome.out) == (0, "Hello 你[2J\n")
    assert outcome.err.endswith("out, estimated\n")
    assert server.seen[0].json["model"] == "n"
    assert server.seen[0].json["messages"] == [{"role": "user", "content": "Say hello"}]


async def test_without_a_model_the_first_is_asked(run, settings):
    async def refuse(_: Seen, wire: Wire) -> None:
        await wire.reply(400, json.dumps({"error": {"message": "no"}}))

    async with upstream(refuse) as server:
        settings(server.url)
        await run("chat", "hello", T=TOKEN)
    assert server.seen[0].json["model"] == "m"


async def test_an_error_is_one_line_without_the_token(run, settings):
    async def refuse(seen: Seen, wire: Wire) -> None:
        message = f"Not for {seen.headers['authorization'].removeprefix('Bearer ')}\x1b[2J, see {server.url}/help"
        await wire.reply(400, json.dumps({"error": {"message": message}}))

    async with upstream(refuse) as server:
        settings(server.url)
        outcome = await run("chat", "hello", T=TOKEN)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "error: Not for [redacted][2J, see [redacted]\n"


async def test_an_answer_that_is_cut_is_an_error_after_what_came(run, settings):
    async def cut(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(event({"content": "Hel"}))
        wire.close()

    async with upstream(cut) as server:
        settings(server.url)
        outcome = await run("chat", "hello", T=TOKEN)
    assert (outcome.code, outcome.out) == (1, "Hel\n")
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1


async def test_an_unknown_model_is_an_error(run, settings):
    settings("http://127.0.0.1:9")
    outcome = await run("chat", "nonesuch", "hello", T=TOKEN)
    assert outcome.code == 1
    assert outcome.err.startswith("error: The model `nonesuch` does not exist here")


async def test_an_interruption_ends_cleanly_and_hangs_up(start, settings):
    hung_up = asyncio.Event()

    async def stall(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(event({"content": "Hel"}))
        await wire.hung_up()
        hung_up.set()

    async with upstream(stall) as server, asyncio.timeout(30):
        settings(server.url)
        process = await start("chat", "hello", T=TOKEN)
        assert await process.stdout.readexactly(3) == b"Hel"
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        await hung_up.wait()
    assert (process.returncode, out, err) == (130, b"\n", b"")
