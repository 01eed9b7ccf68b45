"""How an app's messages become an answer, without Lambda: a stream that remembers, and an app in a loop of its own."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from mangum import Mangum

from handlers.aws.asgi import BUFFER, ENDING, Exchange, http_request
from tests.handlers.aws.strange_apps import EVENTS, TEXT, body, start
from tests.support.lambda_events import function_url_event
from tests.support.lambda_wire import Request
from tests.support.loops import LoopThread

LONG = 30.0
"""Seconds for what must not be ended by the deadline."""


class Stream:
    """Remembers what was written. Writes wait while `open` is not set; from `breaks_at` on, nobody is there."""

    def __init__(self, breaks_at: int | None = None) -> None:
        self.said: list[tuple] = []
        self.open = threading.Event()
        self.open.set()
        self.full = threading.Event()
        self._breaks_at = breaks_at

    def start(self, status, headers, cookies):
        self.said.append(("start", status, headers, cookies))

    def write(self, data):
        if len(self.said) == self._breaks_at:
            raise BrokenPipeError
        self.full.set()
        assert self.open.wait(LONG)
        self.said.append(("write", data))

    def end(self):
        self.said.append(("end",))

    def fail(self, kind, message):
        self.said.append(("fail", kind, message))


@pytest.fixture
def loop():
    with LoopThread() as thread:
        yield thread.loop


@pytest.fixture
def mangum(loop):
    asyncio.set_event_loop(loop)  # it would make one of its own
    yield Mangum(None, lifespan="off")
    asyncio.set_event_loop(None)


@pytest.fixture
def exchange(loop, mangum):
    def exchange(app):
        event = function_url_event(Request("POST", "/path", {}), b"body")
        return Exchange(app, *http_request(mangum, event, None), loop)

    return exchange


def test_the_scope_promises_what_we_keep(mangum):
    """From ASGI 2.4 on, Starlette learns from `send` that the caller is gone, and starts no listener of its own."""
    scope, content = http_request(mangum, function_url_event(Request("GET", "/", {}), b""), None)
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert content == b""


def test_messages_pass_in_order(exchange):
    async def app(_, receive, send):
        request = await receive()
        await start(send, [(b"Set-Cookie", b"a"), *TEXT, (b"X", b"\xe9")], 201)
        await body(send, request["body"], more=True)
        await body(send, b"", more=True)
        await body(send, b"!")

    stream = Stream()
    assert exchange(app).run(stream, LONG)
    headers = {"content-type": "text/plain", "x": "é"}
    assert stream.said == [("start", 201, headers, ["a"]), ("write", b"body"), ("write", b"!"), ("end",)]


def test_an_app_cannot_run_far_ahead_of_the_platform(exchange, loop):
    sent = []

    async def app(_, __, send):
        await start(send, TEXT)
        for _ in range(100):
            sent.append(len(sent))
            await body(send, bytes(BUFFER // 4), more=True)
        await body(send, b"")

    stream = Stream()
    stream.open.clear()
    run = threading.Thread(target=exchange(app).run, args=(stream, LONG))
    run.start()
    assert stream.full.wait(LONG)
    for _ in range(100):  # whatever the app still can do, it does in so many turns of its loop
        turned = threading.Event()
        loop.call_soon_threadsafe(turned.set)
        assert turned.wait(LONG)
    assert len(sent) == 5
    stream.open.set()
    run.join()
    assert sum(len(data) for kind, *data in stream.said if kind == "write" for data in data) == 25 * BUFFER


def test_a_flood_ends_at_the_deadline_too(exchange):
    async def app(_, __, send):
        await start(send, EVENTS)
        while True:
            await body(send, b"data: 1\n\n", more=True)

    stream = Stream()
    assert exchange(app).run(stream, ENDING + 0.05)
    *_, (_, last), end = stream.said
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "deadline_exceeded"
    assert end == ("end",)


def test_where_nobody_takes_the_answer_the_app_is_stopped(exchange, caplog):
    told = []

    async def app(_, __, send):
        await start(send, EVENTS)
        try:
            while True:
                await body(send, b"data: 1\n\n", more=True)
        except BaseException as error:
            told.append(error)
            raise

    stream = Stream(breaks_at=3)
    assert exchange(app).run(stream, LONG)
    assert len(told) == 1
    assert [kind for kind, *_ in stream.said] == ["start", "write", "write"]
    assert "nobody takes the answer" in caplog.text


def test_an_app_that_fails_is_logged_without_secrets(exchange, caplog):
    async def app(_, __, ___):
        raise RuntimeError("refused sk-canary-0123456789")

    assert exchange(app).run(Stream(), LONG)
    (line,) = (line for line in caplog.records if line.message == "the app failed")
    assert "RuntimeError: refused" in line.trace
    assert "canary" not in line.trace
