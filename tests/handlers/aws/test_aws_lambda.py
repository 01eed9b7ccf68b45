"""The gateway as a function: started by our wrapper as Lambda starts it, asked through the function URL."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

import httpx
import openai
import pytest

from tests.handlers.aws.conftest import KEY, WRAPPER
from tests.handlers.aws.upstreams import Steps, breaks, fails, never_ends, says, toml
from tests.support.lambda_events import function_url_event, rest_api_event
from tests.support.lambda_wire import Request
from tests.support.upstream import upstream

AUTHORIZED = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
PROMPT = "a-prompt-that-belongs-nowhere-else"
DEMO = '[providers.demo]\nkind = "demo"\n'
ENOUGH = 0.5
"""Seconds before the kill at which a caller must have the end of the answer."""


def question(*, stream: bool = False) -> bytes:
    return json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": PROMPT}]}).encode()


async def ask(client: httpx.AsyncClient, url: str, *, stream: bool = False) -> httpx.Response:
    return await client.post(f"{url}/v1/chat/completions", content=question(stream=stream), headers=AUTHORIZED)


def events(text: str) -> list[str]:
    return [part.removeprefix("data: ") for part in text.split("\n\n") if part.startswith("data: ")]


# Answers


async def test_each_word_arrives_before_the_next_is_said(deploy):
    words = ["one ", "two ", "three ", "four ", "five"]
    steps = Steps(words)
    async with upstream(steps) as up, deploy(toml(up)) as function:
        async with openai.AsyncOpenAI(base_url=f"{function.url}/v1", api_key=KEY, max_retries=0) as sdk:
            steps.go_on()
            answer = await sdk.chat.completions.create(
                model="m", stream=True, messages=[{"role": "user", "content": PROMPT}]
            )
            heard = []
            async for chunk in answer:
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    heard.append(text)
                    steps.go_on()
        assert heard == words
        assert function.trailers == [{}]


async def test_a_whole_answer_of_a_megabyte(deploy, client):
    async with upstream(says(*["é" * 1024] * 512)) as up, deploy(toml(up)) as function:
        answer = await ask(client, function.url)
    assert answer.json()["choices"][0]["message"]["content"] == "é" * 1024 * 512
    assert len(answer.content) > 1024 * 1024


async def test_what_has_no_content_and_what_does_not_exist(deploy, client):
    async with deploy(DEMO) as function:
        preflight = await client.options(f"{function.url}/v1/models", headers={"origin": "https://a.example"})
        health = await client.head(f"{function.url}/healthz")
        unknown = await client.get(f"{function.url}/nowhere", headers=AUTHORIZED)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert (health.status_code, health.content) == (200, b"")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "unknown_url"


async def test_only_a_key_in_the_headers_opens(deploy):
    request = Request("GET", "/v1/models", {})
    forged = function_url_event(request, b"")
    forged["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:iam::123456789012:root"}}
    forged["requestContext"]["authentication"] = {"apiKey": KEY}
    forged["queryStringParameters"] = {"key": KEY}
    async with deploy(DEMO) as function:
        prelude, payload = await function.invoke(forged)
        assert prelude["statusCode"] == 401
        assert json.loads(payload)["error"]["code"] == "invalid_api_key"
        prelude, _ = await function.invoke(function_url_event(Request("GET", "/v1/models", AUTHORIZED), b""))
        assert prelude["statusCode"] == 200


async def test_a_rest_api_of_api_gateway_streams_as_well(deploy):
    async with upstream(says("Hello")) as up, deploy(toml(up)) as function:
        event = rest_api_event(Request("POST", "/v1/chat/completions", AUTHORIZED), question(stream=True))
        prelude, payload = await function.invoke(event)
    assert prelude["headers"]["content-type"].startswith("text/event-stream")
    assert events(payload.decode())[-1] == "[DONE]"


# Failures


async def test_a_failure_before_the_first_byte_is_a_status(deploy, client):
    async with upstream(fails) as up, deploy(toml(up)) as function:
        answer = await ask(client, function.url, stream=True)
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["type"] == "upstream_error"


async def test_a_failure_in_mid_stream_is_the_last_event(deploy, client):
    async with upstream(breaks) as up, deploy(toml(up)) as function:
        answer = await ask(client, function.url, stream=True)
    *_, told, last = map(json.loads, events(answer.text))
    assert told["choices"][0]["delta"]["content"] == "half an "
    assert last["error"]["code"] == "upstream_truncated"


async def test_an_endless_answer_ends_lawfully_before_the_kill(deploy, client):
    async with upstream(never_ends) as up, deploy(toml(up), limit=4) as function:
        for _ in range(3):
            answer = await ask(client, function.url, stream=True)
            assert function.deadline - time.time() >= ENOUGH
            *_, told, last = map(json.loads, events(answer.text))
            assert told["choices"][0]["delta"]["content"] == "on and "
            assert last["error"]["code"] == "deadline_exceeded"
            await up.connections(0)
        assert (function.starts, function.kills) == (1, 0)
        assert [entry["error"] for entry in function.entries if "error" in entry] == ["deadline_exceeded"] * 3
        assert not any(entry.get("level") == "ERROR" for entry in function.entries)  # it was the gateway's own end


async def test_the_sdk_raises_where_time_is_over(deploy):
    messages = [{"role": "user", "content": PROMPT}]
    async with (
        upstream(never_ends) as up,
        deploy(toml(up), limit=3) as function,
        openai.AsyncOpenAI(base_url=f"{function.url}/v1", api_key=KEY, max_retries=0) as sdk,
    ):
        answer = await sdk.chat.completions.create(model="m", stream=True, messages=messages)
        with pytest.raises(openai.APIError, match="The time for this answer is over"):
            async for _ in answer:
                pass


# One sandbox


async def test_a_hundred_invocations_share_one_connection(deploy, client):
    async with upstream(says("Hello")) as up, deploy(toml(up)) as function:
        for number in range(100):
            answer = await ask(client, function.url, stream=number % 2 == 0)
            assert answer.status_code == 200
            assert "Hello" in answer.text
        assert (len(up.seen), up.accepted, function.starts) == (100, 1, 1)


async def test_a_connection_that_died_in_the_frost_is_replaced(deploy, client):
    async def once(seen, wire):
        await says("Hello")(seen, wire)
        wire.close()

    async with upstream(once) as up, deploy(toml(up)) as function:
        for _ in range(3):
            assert (await ask(client, function.url)).status_code == 200
            await function.frozen.wait()
            await up.connections(0)
        assert function.starts == 1


# Settings


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "No key is configured: set API_MASTER_KEY."), ("sk-1234", "A key in API_MASTER_KEY can be guessed: set it")],
)
async def test_without_a_good_key_every_request_is_refused(deploy, client, key, said):
    async with deploy(DEMO, API_MASTER_KEY=key) as function:
        for presented in ("sk-1234", "sk-1234", KEY):
            answer = await client.get(f"{function.url}/v1/models", headers={"authorization": f"Bearer {presented}"})
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "configuration_unavailable"
        assert function.starts == 1
        errors = [entry["message"] for entry in function.entries if entry.get("level") == "ERROR"]
    assert len(errors) == 1
    assert errors[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[providers.demo]\nkind = "demo"\ntypo = 1\n', "any2api.toml:3: providers.demo.typo: "),
        ('[providers.demo]\nkind = "cheese"\n', "any2api.toml:2: providers.demo.kind: there is no 'cheese'"),
        ("[providers.demo\n", "any2api.toml:1: "),
    ],
)
async def test_wrong_settings_are_told_with_file_and_line(deploy, client, text, said):
    async with deploy(text) as function:
        assert (await client.get(f"{function.url}/healthz")).status_code == 502
        ((path, kind, report),) = function.reports
        assert await function.ended() == 1
        (line,) = function.log
    assert (path, kind) == ("/init/error", "Runtime.ConfigError")
    assert report["errorMessage"].startswith(said)
    assert json.loads(line) == {"level": "ERROR", "message": f"ConfigError: {report['errorMessage']}"}


async def test_what_cannot_be_imported_is_told(deploy, client, task):
    (task / "mangum.py").write_text("raise ImportError('this zip was packed on a Monday')\n")
    async with deploy(DEMO) as function:
        assert (await client.get(f"{function.url}/healthz")).status_code == 502
        ((path, kind, report),) = function.reports
    assert (path, kind) == ("/init/error", "Runtime.ImportError")
    assert report["errorMessage"] == "this zip was packed on a Monday"


def test_the_buffered_handler_runs_on_the_runtime_of_aws():
    """There the wrapper only makes way."""
    environment = {"PATH": os.environ["PATH"], "_HANDLER": "handlers.aws_lambda.handler"}
    command = [str(WRAPPER), "/bin/echo", "/var/runtime/bootstrap.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "/var/runtime/bootstrap.py\n"


# The buffered handler


async def buffered(task, environment, *events: object) -> tuple[list[dict], str]:
    """What `handlers.aws_lambda.handler` answers to one event after another, and what it logs meanwhile."""
    program = (
        "import json, sys\n"
        "from handlers.aws.runtime_api import Context\n"
        "from handlers.aws_lambda import handler\n"
        "for line in sys.stdin:\n"
        "    answer = handler(json.loads(line), Context('an-id', deadline=2e9))\n"
        "    sys.stderr.write(json.dumps(answer) + '\\n')\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", program, cwd=task, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate("\n".join(map(json.dumps, events)).encode())
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in err.splitlines()], out.decode()


@pytest.mark.parametrize("make", [function_url_event, rest_api_event])
@pytest.mark.parametrize("stream", [False, True])
async def test_buffered_answers_are_whole(task, environment, make, stream):
    asked = make(Request("POST", "/v1/chat/completions", AUTHORIZED), question(stream=stream))
    async with upstream(says("Hel", "lo")) as up:
        (task / "any2api.toml").write_text(toml(up))
        answers, log = await buffered(task, environment, asked, asked, asked)
        assert (len(up.seen), up.accepted) == (3, 1)
    for answer in answers:
        assert answer["statusCode"] == 200
        assert answer["isBase64Encoded"] is False
        if stream:
            assert events(answer["body"])[-1] == "[DONE]"
        else:
            assert json.loads(answer["body"])["choices"][0]["message"]["content"] == "Hello"
    assert log.count('"function_request_id":"an-id"') == 3


async def test_buffered_bodies_in_base64_and_events_that_are_no_requests(task, environment):
    headers = {**AUTHORIZED, "content-type": "application/octet-stream"}
    in_base64 = function_url_event(Request("POST", "/v1/chat/completions", headers), question())
    assert in_base64["isBase64Encoded"]
    also = rest_api_event(Request("POST", "/v1/chat/completions", headers), question(), binary=True)
    async with upstream(says("Hello")) as up:
        (task / "any2api.toml").write_text(toml(up))
        answers, _ = await buffered(task, environment, in_base64, {"source": "aws.events"}, also)
    assert answers[1] == {"ok": True}
    for answer in (answers[0], answers[2]):
        assert json.loads(answer["body"])["choices"][0]["message"]["content"] == "Hello"


async def test_the_buffered_handler_refuses_a_weak_key_too(task, environment):
    (task / "any2api.toml").write_text(DEMO)
    asked = function_url_event(Request("GET", "/v1/models", {"authorization": "Bearer 1"}), b"")
    (answer,), _ = await buffered(task, environment | {"API_MASTER_KEY": "1"}, asked)
    assert answer["statusCode"] == 503
