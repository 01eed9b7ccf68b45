"""The streaming runtime alone, with apps that misbehave, in a real process under a stand-in for Lambda."""

from __future__ import annotations

import base64
import json
import time

import httpx
import pytest

ENOUGH = 0.5
"""Seconds before the kill at which a caller must have the end of the answer."""


# What goes in, what comes out


async def test_a_request_arrives_as_it_was_sent(deploy_app, client):
    async with deploy_app("echo") as function:
        answer = await client.post(
            f"{function.url}/a%20b/c?x=1&y=%20", content="ü".encode(), headers={"cookie": "a=1; b=2", "x-two": "two"}
        )
    assert answer.status_code == 200
    assert answer.text.startswith("POST /a b/c x=1&y=%20 203.0.113.9 ")
    assert "cookie=a=1; b=2" in answer.text
    assert "x-two=two" in answer.text
    assert answer.text.endswith(" ü")


async def test_headers_of_the_connection_are_the_platforms(deploy_app, client):
    async with deploy_app("echo") as function:
        answer = await client.get(function.url)
    assert "content-length" not in answer.headers
    assert answer.headers["x-two"] == "1, 2"


async def test_a_body_in_base64_arrives_as_bytes(deploy_app, client):
    async with deploy_app("echo") as function:
        headers = {"content-type": "application/octet-stream"}
        answer = await client.post(function.url, content=b"\x00\xff\x80bytes", headers=headers)
    assert answer.content.endswith(b" \x00\xff\x80bytes")


async def test_two_cookies_stay_two(deploy_app, client):
    async with deploy_app("cookies") as function:
        answer = await client.get(function.url)
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2, still b"]
    assert answer.text == "baked"


async def test_a_megabyte_arrives_whole(deploy_app, client):
    async with deploy_app("megabyte") as function:
        answer = await client.get(function.url)
    assert answer.content == bytes(range(256)) * 4096


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("GET", 304), ("GET", 404), ("HEAD", 200), ("HEAD", 405)])
async def test_an_answer_without_a_body_ends_at_once(deploy_app, client, method, status):
    """The stand-in refuses a stream without a byte, which Lambda would keep open."""
    async with deploy_app("empty") as function:
        for _ in range(2):
            answer = await client.request(method, f"{function.url}/{status}")
            assert answer.status_code == status
            assert answer.headers["x-empty"] == "yes"
            assert answer.content.strip() == b""


# One sandbox


async def test_all_invocations_share_one_process_and_one_loop(deploy_app, client):
    async with deploy_app("where") as function:
        seen = {(await client.get(function.url)).text for _ in range(5)}
        assert len(seen) == 1
        assert function.starts == 1


async def test_what_is_no_request_is_acknowledged_and_reaches_no_app(deploy_app):
    http = {"method": "GET", "path": "/", "sourceIp": "203.0.113.9"}
    events = [
        {}, [], None, 1, "version requestContext",
        {"source": "aws.events", "version": "0", "detail": {}},
        {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
        {"Records": [{"cf": {"request": {"uri": "/", "method": "GET", "headers": {}}}}]},
        {"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "headers": {}},
        {"version": "2.0", "requestContext": {}},
        {"version": "2.0", "requestContext": {"http": http}, "headers": {"a": 1}},
        {"version": "2.0", "requestContext": {"http": http}, "headers": {}, "isBase64Encoded": True, "body": "a"},
    ]  # fmt: skip
    async with deploy_app("raises") as function:
        for event in events:
            assert await function.invoke(event) == ({}, b'{"ok":true}'), event
        assert function.starts == 1
        assert function.log == []


async def test_with_snapstart_everything_is_built_before_the_snapshot(deploy_app, client):
    async with deploy_app("where", AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") as function:
        await client.get(function.url)
        assert function.reports == [("restore", "", {})]


# Failures


async def test_a_failure_before_the_first_byte_is_a_status(deploy_app, client):
    async with deploy_app("raises") as function:
        answer = await client.get(function.url)
        assert answer.status_code == 500
        assert answer.json()["error"] == {
            "message": "Something went wrong here.", "type": "server_error", "param": None, "code": "internal_error",
        }  # fmt: skip
        assert (await client.get(function.url)).status_code == 500
        assert function.starts == 1


@pytest.mark.parametrize("app", ["raises_in_events", "forgets_the_end"])
async def test_a_failure_in_a_stream_of_events_is_its_last_event(deploy_app, client, app):
    async with deploy_app(app) as function:
        answer = await client.get(function.url)
        first, last = answer.text.split("\n\n", 1)
        assert first == "data: 1"
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "internal_error"
        assert "canary" not in answer.text
        assert function.trailers == [{}]


async def test_a_failure_in_any_other_body_is_told_in_trailers_and_cuts_it(deploy_app, client):
    async with deploy_app("raises_in_text") as function:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(function.url)
        (trailers,) = function.trailers
    assert trailers["lambda-runtime-function-error-type"] == "Runtime.internal_error"
    told = json.loads(base64.b64decode(trailers["lambda-runtime-function-error-body"]))
    assert told == {"errorMessage": "Something went wrong here.", "errorType": "internal_error"}


async def test_a_start_that_fails_is_told_in_one_line(deploy_app, client):
    async with deploy_app("broken") as function:
        assert (await client.get(function.url)).status_code == 502
        ((path, kind, report),) = function.reports
        assert await function.ended() == 1
        (line,) = function.entries
    assert (path, kind) == ("/init/error", "Runtime.OSError")
    assert report["errorMessage"] == "the disk is made of cheese"
    assert line["message"] == "OSError: the disk is made of cheese"


async def test_a_caller_who_is_gone_leaves_the_sandbox_as_it_was(deploy_app, client):
    """Lambda never tells; the answer goes on into nothing."""
    async with deploy_app("megabyte") as function:
        async with client.stream("GET", function.url) as answer:
            await anext(answer.aiter_raw())
        assert len((await client.get(function.url)).content) == 1024 * 1024
        assert function.starts == 1


# The deadline


async def last_event(client: httpx.AsyncClient, url: str) -> tuple[dict, float]:
    """The last event of a stream that ends lawfully, and when (epoch) the end was there."""
    async with client.stream("GET", url) as answer:
        text = b"".join([chunk async for chunk in answer.aiter_raw()])
    return json.loads(text.rstrip().rpartition(b"data: ")[2]), time.time()


@pytest.mark.parametrize("app", ["blocks", "ignores_cancellation", "endless"])
async def test_the_answer_ends_lawfully_before_the_kill_whatever_the_app_does(deploy_app, client, app):
    async with deploy_app(app, limit=3) as function:
        for _ in range(2):
            event, ended = await last_event(client, function.url)
            assert event["error"]["code"] == "deadline_exceeded"
            assert function.deadline - ended >= ENOUGH
        assert function.kills == 0


async def test_an_app_that_cannot_be_stopped_takes_its_sandbox_along(deploy_app, client):
    async with deploy_app("blocks", limit=3) as function:
        await last_event(client, function.url)
        assert await function.ended() == 1
        assert "gets a new sandbox" in function.log[-1]
        await last_event(client, function.url)
        assert function.starts == 2


async def test_an_app_that_can_be_stopped_is_used_again(deploy_app, client):
    async with deploy_app("endless", limit=3) as function:
        await last_event(client, function.url)
        await last_event(client, function.url)
        assert function.starts == 1


@pytest.mark.parametrize(("app", "path"), [("waits", "/quiet"), ("blocks_before", "/")])
async def test_time_that_is_over_before_the_first_byte_is_a_status(deploy_app, client, app, path):
    async with deploy_app(app, limit=3) as function:
        answer = await client.get(function.url + path)
        assert function.deadline - time.time() >= ENOUGH
        assert answer.status_code == 504
        assert answer.json()["error"]["code"] == "deadline_exceeded"


async def test_text_that_does_not_end_in_time_is_cut(deploy_app, client):
    async with deploy_app("waits", limit=3) as function:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{function.url}/text")
        assert function.trailers[0]["lambda-runtime-function-error-type"] == "Runtime.deadline_exceeded"
        assert function.kills == 0


async def test_what_an_app_does_after_its_last_byte_ends_with_the_invocation(deploy_app, client):
    async with deploy_app("lingers", limit=3) as function:
        assert (await client.get(function.url)).text == "done"
        assert (await client.get(function.url)).text == "done"
        assert function.log[0] == "let go"
        assert function.starts == 1


# The end of a sandbox


async def test_sigterm_ends_an_idle_sandbox(deploy_app, client):
    async with deploy_app("where") as function:
        await client.get(function.url)
        await function.frozen.wait()
        function.terminate()
        assert await function.ended() == 0


@pytest.mark.parametrize(("app", "code"), [("waits", 0), ("ignores_cancellation", 1)])
async def test_sigterm_ends_an_answer_lawfully_and_then_the_sandbox(deploy_app, client, app, code):
    async with deploy_app(app) as function, client.stream("GET", f"{function.url}/events") as answer:
        chunks = answer.aiter_raw()
        assert await anext(chunks) == b"data: 1\n\n"
        function.terminate()
        rest = b"".join([chunk async for chunk in chunks])
        assert json.loads(rest.removeprefix(b"data: "))["error"]["code"] == "shutting_down"
        assert await function.ended() == code
