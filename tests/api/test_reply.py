"""How answers go out: the order of bytes, the headers, the ends, the waiting."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from core.api.shared import reply
from core.api.shared.hangup import CallerGone
from core.api.shared.reply import Reply
from core.chat.completion import Completion
from core.chat.errors import ChatError, RateLimited, UpstreamTruncated
from core.chat.events import Batch, Finish, TextDelta, Usage
from core.chat.requests import ChatRequest, Json
from tests.api.stage import Caller, Script, ScriptedGateway, request

STOP = Finish("stop", usage=Usage(1, 1))


class Plain:
    """A renderer that says what it is asked, in words."""

    def batch(self, index: int, batch: Batch) -> bytes:
        return "".join(f"{index}{event.text}|" for event in batch if isinstance(event, TextDelta)).encode()

    def end(self) -> bytes:
        return b"end"

    def error(self, error: ChatError) -> bytes:
        return f"error {error.code} {error.message} {error.param}".encode()

    def whole(self, completions: Sequence[Completion]) -> Json:
        return [done.text for done in completions]


def saying(*events: Any) -> Script:
    """Each event in a batch of its own; an exception is raised in its turn."""

    async def script(_: ChatRequest) -> AsyncGenerator[Batch]:
        for event in events:
            if isinstance(event, BaseException):
                raise event
            yield [event]

    return script


async def ask(
    script: Script, *, stream: bool = True, n: int = 1, ignored: Sequence[str] = (), **about: Sequence[str]
) -> Caller:
    caller = Caller()
    gateway: Any = ScriptedGateway(script, **about)
    await caller.ask(Reply(gateway, [request(stream=stream)] * n, Plain(), ignored))
    assert all(answer.closed for answer in gateway.answers)
    return caller


async def test_a_stream_begins_with_its_first_words_and_has_an_end() -> None:
    caller = await ask(saying(TextDelta("a"), TextDelta("b"), STOP))

    assert caller.headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
        "x-any2api-provider": "stage",
    }
    assert [message["body"] for message in caller.heard[1:]] == [b"0a|", b"0b|", b"end"]
    assert [message["more_body"] for message in caller.heard[1:]] == [True, True, False]


async def test_a_whole_answer_is_one_object() -> None:
    caller = await ask(saying(TextDelta("a"), TextDelta("b"), STOP), stream=False, n=2)

    assert (caller.status, caller.json) == (200, ["ab", "ab"])
    assert caller.headers["content-type"] == "application/json"


async def test_guessed_usage_is_marked() -> None:
    guessed = await ask(saying(TextDelta("a"), Finish("stop", usage=Usage(1, 1, estimated=True))), stream=False)
    measured = await ask(saying(TextDelta("a"), STOP), stream=False)

    assert guessed.headers["x-usage-estimated"] == "true"
    assert "x-usage-estimated" not in measured.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_what_went_nowhere_is_named_once_in_letters_that_harm_nobody(stream: bool) -> None:
    ignored = ["api_key", "x\r\nSet-Cookie: a=b", "größe", "日本", "a[0].b-c", "y" * 1000]
    caller = await ask(saying(TextDelta("a"), STOP), stream=stream, n=2, ignored=ignored, notices=["top_p", "api_key"])

    assert caller.headers["x-ignored-params"] == (
        "api_key, x??Set-Cookie??a?b, gr??e, ??, a[0].b-c, " + "y" * 64 + ", top_p"
    )


@pytest.mark.parametrize("stream", [True, False])
async def test_what_we_saw_to_ourselves_is_named_once(stream: bool) -> None:
    caller = await ask(saying(TextDelta("a"), STOP), stream=stream, n=2, emulated=["tools", "max_tokens"])

    assert caller.headers["x-any2api-emulated"] == "tools, max_tokens"


async def test_a_thousand_unknown_names_make_no_endless_header() -> None:
    caller = await ask(saying(TextDelta("a"), STOP), ignored=[f"name{n}" for n in range(1000)])

    assert caller.headers["x-ignored-params"].count(",") == 31


@pytest.mark.parametrize("stream", [False, True])
async def test_before_the_first_word_a_failure_is_left_to_the_status_line(stream: bool) -> None:
    class Refusing(ScriptedGateway):
        async def opening(self, request: ChatRequest) -> None:
            raise RateLimited("no")

    gateway: Any = Refusing(saying())
    caller = Caller()
    with pytest.raises(RateLimited):
        await caller.ask(Reply(gateway, [request(stream=stream)], Plain()))

    assert caller.heard == []


async def test_after_it_a_failure_ends_the_stream_and_tells_no_secret() -> None:
    broken = UpstreamTruncated("it said CANARY")
    broken.param = "CANARY"
    caller = await ask(saying(TextDelta("a"), broken))

    assert caller.body == b"0a|error upstream_truncated it said \xe2\x80\xa6 \xe2\x80\xa6"
    assert not caller.heard[-1]["more_body"]
    assert caller.record.error == "upstream_truncated"


async def test_half_a_whole_answer_is_none() -> None:
    with pytest.raises(UpstreamTruncated):
        await ask(saying(TextDelta("a"), UpstreamTruncated()), stream=False)


async def test_a_bug_of_ours_ends_the_stream_and_is_not_hidden() -> None:
    class Buggy(Plain):
        def end(self) -> bytes:
            raise ZeroDivisionError("CANARY")

    gateway: Any = ScriptedGateway(saying(TextDelta("a"), STOP))
    caller = Caller()
    with pytest.raises(ZeroDivisionError):
        await caller.ask(Reply(gateway, [request(stream=True)], Buggy()))

    assert caller.body == b"0a|error internal_error Something went wrong here. None"
    assert gateway.answers[0].closed


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_leaves_ends_everything(stream: bool) -> None:
    caller = Caller()

    async def script(_: ChatRequest) -> AsyncGenerator[Batch]:
        yield [TextDelta("a")]
        caller.gone.set()
        await asyncio.Event().wait()

    gateway: Any = ScriptedGateway(script)
    with pytest.raises(CallerGone):
        await caller.ask(Reply(gateway, [request(stream=stream)] * 2, Plain()))

    assert [answer.closed for answer in gateway.answers] == [True, True]


async def test_a_caller_who_leaves_before_anything_is_open() -> None:
    caller = Caller()

    class Slow(ScriptedGateway):
        async def opening(self, request: ChatRequest) -> None:
            caller.gone.set()
            await asyncio.Event().wait()

    gateway: Any = Slow(saying())
    with pytest.raises(CallerGone):
        await caller.ask(Reply(gateway, [request(stream=True)], Plain()))

    assert caller.heard == []


async def test_a_stream_that_waits_says_so_in_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply, "KEEP_ALIVE", 0.001)
    caller = Caller()

    async def script(_: ChatRequest) -> AsyncGenerator[Batch]:
        yield [TextDelta("a")]
        await caller.until(lambda heard: heard.body.count(b": keep-alive\n\n") >= 5)
        yield [STOP]

    class Slow(ScriptedGateway):
        async def opening(self, request: ChatRequest) -> None:
            await caller.until(lambda heard: heard.body.count(b": keep-alive\n\n") >= 3)

    gateway: Any = Slow(script, commit_after=0.001)
    async with asyncio.timeout(10):
        await caller.ask(Reply(gateway, [request(stream=True)], Plain()))

    assert "x-any2api-provider" not in caller.headers  # it was not known yet
    said = [text for text, _ in itertools.groupby(message["body"] for message in caller.heard[1:])]
    assert said == [b": keep-alive\n\n", b"0a|", b": keep-alive\n\n", b"end"]
    assert not caller.heard[-1]["more_body"]


async def test_after_comments_a_refusal_is_an_event() -> None:
    caller = Caller()

    class Refusing(ScriptedGateway):
        async def opening(self, request: ChatRequest) -> None:
            await caller.until(lambda heard: len(heard.heard) == 2)
            raise RateLimited("no")

    gateway: Any = Refusing(saying(), commit_after=0.001)
    async with asyncio.timeout(10):
        await caller.ask(Reply(gateway, [request(stream=True)], Plain()))

    assert (caller.status, caller.body) == (200, b": keep-alive\n\nerror rate_limited no None")


async def test_a_caller_who_does_not_read_is_taken_for_gone() -> None:
    caller = Caller()

    async def stuck(_: Any) -> None:
        await asyncio.Event().wait()

    caller.send = stuck  # type: ignore[method-assign]  # this one never reads
    gateway: Any = ScriptedGateway(saying(TextDelta("a"), STOP), commit_after=0.001, idle_timeout=0.01)
    async with asyncio.timeout(10):
        with pytest.raises(CallerGone):
            await caller.ask(Reply(gateway, [request(stream=True)], Plain()))

    assert gateway.answers[0].closed
