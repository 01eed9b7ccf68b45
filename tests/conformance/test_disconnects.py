"""Clients that leave before their answer is complete."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from core.api.shared import reply
from tests.conformance.gateways import AUTHORIZED, Connected, connected, question
from tests.conformance.kinds import everywhere
from tests.support.chat_upstream import ChatUpstream
from tests.support.loops import PATIENCE

CHAT = "/v1/chat/completions"


def call(gateway: Connected, body: dict[str, Any]) -> http.client.HTTPConnection:
    """A connection over which a request was sent whose answer nobody has read yet."""
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=PATIENCE)
    connection.request("POST", CHAT, json.dumps(body), dict(AUTHORIZED))
    return connection


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """The fields of every request's log line."""
    lines: list[dict[str, Any]] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.fields)  # type: ignore[method-assign, attr-defined]  # a spy
    log = logging.getLogger("any2api.requests")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield lines
    log.removeHandler(handler)
    log.setLevel(level)


@everywhere
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["silent", "gated"])
def test_the_upstream_sees_a_client_leave(
    fresh: Connected, upstream: ChatUpstream, logged: list[dict[str, Any]], model: str, stream: bool, n: int
) -> None:
    """Item 139: before the first byte, and in mid-answer."""
    check_leaving(fresh, upstream, logged, model, stream, n)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_upstream_sees_a_client_leave_behind_its_headers(
    fresh: Connected, upstream: ChatUpstream, logged: list[dict[str, Any]], stream: bool, n: int
) -> None:
    """Item 139: before the first word."""
    check_leaving(fresh, upstream, logged, "headers-only", stream, n)


def check_leaving(
    fresh: Connected, upstream: ChatUpstream, logged: list[dict[str, Any]], model: str, stream: bool, n: int
) -> None:
    before = fresh.served.tasks()
    with closing(call(fresh, question(model, stream=stream, n=n))) as connection:
        upstream.wait(lambda up: up.open == n)
        if stream and model == "gated":
            answer = connection.getresponse()
            assert answer.readline() != b""
            answer.close()

    upstream.wait(lambda up: up.left == [model] * n)
    fresh.served.settle(before)
    (line,) = logged
    assert line["status"] == 499
    assert "error" not in line
    assert fresh.chat("echo").status_code == 200  # the token is none the worse for it


@everywhere
def test_one_of_two_choices_may_have_begun(fresh: Connected, upstream: ChatUpstream) -> None:
    """Item 139: the choice that has reached its first word is closed while the other is still waited for."""
    before = fresh.served.tasks()
    with closing(call(fresh, question("one-begins", n=2))):
        upstream.wait(lambda up: up.open == 2)

    upstream.wait(lambda up: up.left == ["one-begins"] * 2)
    fresh.served.settle(before)


def test_a_client_may_leave_while_it_still_sends(fresh: Connected, logged: list[dict[str, Any]]) -> None:
    before = fresh.served.tasks()
    host, port = fresh.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTHORIZED['Authorization']}\r\n"
        connection.sendall(head.encode() + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the gateway waits for the body
        connection.sendall(b'{"model":')

    fresh.served.settle(before)
    assert [line["status"] for line in logged] == [499]


def test_a_client_that_does_not_read_is_taken_for_gone(
    upstream: ChatUpstream, logged: list[dict[str, Any]], alarms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply, "KEEP_ALIVE", 0.1)
    with connected(upstream, "idle_timeout = 0.2\ncommit_after = 0.1") as impatient:
        before = impatient.served.tasks()
        with closing(call(impatient, question("endless", stream=True))):
            upstream.wait(lambda up: up.left == ["endless"])
            impatient.served.settle(before)

    assert [line["status"] for line in logged] == [499]
    assert alarms.pop() == "ASGI callable returned without completing response."  # the server closes the connection
