"""Every fault as it is on the wire, read without any HTTP library that might smooth it over."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from core.providers.demo.faults import FAULTS
from core.providers.demo.faults.fault import TEXT
from core.providers.demo.server import ToyUpstream
from tests.support.rawhttp import Heard, send


@pytest.fixture
async def url() -> AsyncIterator[str]:
    upstream = ToyUpstream(pace=0.001)
    yield await upstream.url()
    await upstream.aclose()


@pytest.fixture
async def slow_url() -> AsyncIterator[str]:
    """For clients that do not wait: every pause is longer than they live."""
    upstream = ToyUpstream(pace=100)
    yield await upstream.url()
    await upstream.aclose()


async def ask(url: str, fault: str, *, stream: bool = True, half_close: bool = False, **more: Any) -> Heard:
    body = {"model": f"fault-{fault}", "messages": [{"role": "user", "content": "Hello"}], "stream": stream, **more}
    return await send(f"{url}/chat/completions", body, half_close=half_close)


def text(events: list[Any]) -> str:
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


def data(heard: Heard) -> bytes:
    assert heard.status == 200
    return heard.content


class TestServer:
    @pytest.mark.parametrize("token", [None, "", "wrong"])
    async def test_it_checks_the_token(self, url: str, token: str | None) -> None:
        heard = await send(f"{url}/models", token=token)
        assert (heard.status, heard.json["error"]["code"]) == (401, "invalid_api_key")

    @pytest.mark.parametrize(
        ("path", "body", "method", "status"),
        [
            ("/elsewhere", None, "", 404),
            ("/models", None, "DELETE", 404),
            ("/chat/completions", None, "", 404),
            ("/chat/completions", b"{", "", 400),
            ("/chat/completions", {"model": "nobody"}, "", 404),
        ],
    )
    async def test_it_refuses_what_it_does_not_know(
        self, url: str, path: str, body: Any, method: str, status: int
    ) -> None:
        heard = await send(url + path, body, method=method)
        assert heard.status == status
        assert heard.json["error"]["message"]

    async def test_it_lists_its_models(self, url: str) -> None:
        heard = await send(f"{url}/models")
        assert {"echo", *FAULTS} < {entry["id"] for entry in heard.json["data"]}


class TestBeforeTheAnswer:
    async def test_resets_are_resets_and_closes_are_closes(self, url: str) -> None:
        assert await ask(url, "reset-before-headers") == Heard(b"", reset=True)
        assert await ask(url, "close-before-headers") == Heard(b"", reset=False)

    async def test_reset_once_answers_the_second_time(self, url: str) -> None:
        heard = [await ask(url, "reset-once") for _ in range(4)]
        assert [one.reset for one in heard] == [True, False, True, False]
        assert text(heard[1].events[:-1]) == TEXT

    async def test_it_speaks_something_else(self, url: str) -> None:
        assert (await ask(url, "not-http")).raw.startswith(b"SSH-2.0")

    @pytest.mark.parametrize("fault", ["no-response", "slow-first-byte"])
    async def test_it_says_nothing_to_begin_with(self, slow_url: str, fault: str) -> None:
        assert await ask(slow_url, fault, half_close=True) == Heard(b"")

    async def test_it_answers_late(self, url: str) -> None:
        assert text((await ask(url, "slow-first-byte")).events[:-1]) == TEXT

    @pytest.mark.parametrize("stream", [True, False])
    async def test_it_stalls_after_the_headers(self, url: str, stream: bool) -> None:
        heard = await ask(url, "stall-before-first-event", stream=stream, half_close=True)
        assert (heard.status, heard.body) == (200, b"")

    @pytest.mark.parametrize(
        ("fault", "stream", "piece"),
        [
            ("comments-forever", True, b": still working on it\n\n"),
            ("comments-forever", False, b"\n"),
            ("role-only-forever", True, b'"delta":{"role":"assistant","content":""}'),
        ],
    )
    async def test_it_keeps_the_line_open_with_nothing(
        self, slow_url: str, fault: str, stream: bool, piece: bytes
    ) -> None:
        heard = await ask(slow_url, fault, stream=stream, half_close=True)
        assert len(heard.chunks) == 1
        assert piece in heard.chunks[0]

    @pytest.mark.parametrize(
        ("fault", "status", "location"),
        [
            ("redirect", 307, "http://elsewhere.invalid/v1/chat/completions"),
            ("redirect-loop", 308, "/v1/chat/completions"),
            ("redirect-nowhere", 302, None),
        ],
    )
    async def test_it_redirects(self, url: str, fault: str, status: int, location: str | None) -> None:
        heard = await ask(url, fault)
        assert (heard.status, heard.headers.get("location"), heard.body) == (status, location, b"")


class TestRefusals:
    @pytest.mark.parametrize("name", [name for name in FAULTS if name[:12] in {"fault-http-4", "fault-http-5"}])
    async def test_the_status_is_in_the_name(self, url: str, name: str) -> None:
        assert (await ask(url, name.removeprefix("fault-"), tools=[])).status == int(name.split("-")[2])

    @pytest.mark.parametrize(
        ("fault", "part"),
        [
            ("400-context", b"context_length_exceeded"),
            ("400-filter", b"content_filter"),
            ("401", b"invalid_api_key"),
            ("402", b"Insufficient Balance"),
            ("403", b"permission_error"),
            ("403-challenge", b"<title>Just a moment"),
            ("404-model", b"model_not_found"),
            ("404-path", b"404 page not found"),
            ("429-quota", b"insufficient_quota"),
            ("500-credentials", b"sk-proj-"),
            ("502", b"<html>"),
            ("529", b"overloaded_error"),
        ],
    )
    async def test_the_body_says_why(self, url: str, fault: str, part: bytes) -> None:
        assert part in (await ask(url, f"http-{fault}")).body

    @pytest.mark.parametrize("fault", ["500-empty", "503-empty", "504"])
    async def test_the_body_says_nothing(self, url: str, fault: str) -> None:
        assert (await ask(url, f"http-{fault}")).headers["content-length"] == "0"

    @pytest.mark.parametrize(
        ("fault", "retry_after"),
        [("", "2"), ("-no-header", None), ("-huge", "1000000000"), ("-negative", "-5"), ("-garbage", "soon")],
    )
    async def test_a_limit_says_when_to_come_back(self, url: str, fault: str, retry_after: str | None) -> None:
        assert (await ask(url, f"http-429{fault}")).headers.get("retry-after") == retry_after

    async def test_a_limit_may_name_a_date(self, url: str) -> None:
        ahead = parsedate_to_datetime((await ask(url, "http-429-date")).headers["retry-after"]).timestamp()
        past = parsedate_to_datetime((await ask(url, "http-429-past")).headers["retry-after"]).timestamp()
        assert past < time.time() - 86400 < ahead

    @pytest.mark.parametrize(("fault", "status"), [("http-429-once", 429), ("http-500-once", 500)])
    async def test_once_means_every_other_time(self, url: str, fault: str, status: int) -> None:
        assert [(await ask(url, fault)).status for _ in range(4)] == [status, 200, status, 200]

    async def test_one_parameter_is_too_many(self, url: str) -> None:
        heard = await ask(url, "http-400-parameter", stream_options={}, tools=[])
        assert (heard.status, heard.json["error"]["param"]) == (400, "stream_options")
        assert text((await ask(url, "http-400-parameter")).events[:-1]) == TEXT

    async def test_the_challenge_has_its_header(self, url: str) -> None:
        heard = await ask(url, "http-403-challenge")
        assert heard.headers["cf-mitigated"] == "challenge"
        assert heard.headers["content-type"].startswith("text/html")


class TestSuccesses:
    @pytest.mark.parametrize(
        ("fault", "content_type", "content"),
        [
            ("http-200-error-json", "application/json", b'{"error":{"message":"Rate limit'),
            ("http-200-error-event", "text/event-stream", b'data: {"error":'),
            ("http-200-html", "text/html", b"<!DOCTYPE html>"),
            ("http-200-garbage", "application/json", b'{"ok":true}'),
            ("only-done", "text/event-stream", b"data: [DONE]\n\n"),
            ("wrong-content-type", "text/plain", b'data: {"id":'),
            ("whole-json", "application/json", b'{"id":'),
        ],
    )
    async def test_a_success_that_is_none(self, url: str, fault: str, content_type: str, content: bytes) -> None:
        heard = await ask(url, fault)
        assert data(heard).startswith(content)
        assert heard.headers["content-type"].startswith(content_type)

    async def test_a_success_without_a_word(self, url: str) -> None:
        assert data(await ask(url, "http-200-empty")) == b""
        heard = await ask(url, "http-204")
        assert (heard.status, heard.body) == (204, b"")

    async def test_an_interim_answer_alone(self, url: str) -> None:
        heard = await ask(url, "http-103")
        assert (heard.status, heard.body) == (103, b"")

    async def test_a_stream_that_nobody_wanted(self, url: str) -> None:
        assert (await ask(url, "sse-anyway", stream=False)).events[-1] == "[DONE]"

    async def test_an_error_instead_of_a_whole_answer(self, url: str) -> None:
        assert (await ask(url, "http-200-error-event", stream=False)).json["error"]["code"] == 529


class TestBreaks:
    @pytest.mark.parametrize("fault", ["cut", "cut-chunk", "short-length", "reset-mid-stream", "stall-mid-stream"])
    async def test_a_stream_breaks_after_some_text(self, url: str, fault: str) -> None:
        heard = await ask(url, fault, half_close="stall" in fault)
        assert heard.reset is (fault == "reset-mid-stream")
        assert text(heard.events) == "one two three four five"
        assert not any(event["choices"][0]["finish_reason"] for event in heard.events)

    @pytest.mark.parametrize("fault", ["cut", "cut-chunk", "short-length", "reset-mid-stream", "stall-mid-stream"])
    async def test_a_whole_answer_breaks_within_its_text(self, url: str, fault: str) -> None:
        heard = await ask(url, fault, stream=False, half_close="stall" in fault)
        assert heard.content.endswith(b'"one two three four five ')

    async def test_each_break_is_of_its_own_kind(self, url: str) -> None:
        cut, chunk, length = [await ask(url, fault) for fault in ("cut", "cut-chunk", "short-length")]
        assert not {"content-length", "transfer-encoding"} & cut.headers.keys()
        assert chunk.body.endswith(b"\r\n400\r\nonly the first bytes of a chunk of 1024")
        assert int(length.headers["content-length"]) > len(length.body)

    async def test_it_falls_silent_and_goes_on(self, url: str, slow_url: str) -> None:
        assert text((await ask(url, "slow-mid")).events[:-1]) == TEXT
        assert text((await ask(slow_url, "slow-mid", half_close=True)).events) == "one two three four five"

    async def test_it_reports_an_error_on_the_way(self, url: str) -> None:
        heard = await ask(url, "error-event-mid-stream")
        *said, error = heard.events
        assert text(said) == "one two three four five"
        assert error["error"]["type"] == "server_error"
        assert heard.chunks[-1] == b""
        assert list((await ask(url, "error-event-mid-stream", stream=False)).json) == ["error"]
