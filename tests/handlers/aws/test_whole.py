"""Held back until they are whole: answers that are none become failures, and say so."""

from __future__ import annotations

import json

import pytest

from core.api.shared.state import start_record
from handlers.aws.whole import ROOM, Whole
from tests.handlers.aws.test_aws_lambda import AUTHORIZED, buffered
from tests.support.lambda_events import function_url_event
from tests.support.lambda_wire import Request
from tests.support.upstream import upstream

HEADERS = [(b"content-type", b"audio/mpeg"), (b"content-length", b"9"), (b"x-request-id", b"req_1")]
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}


def part(body, *, more=True):
    return {"type": "http.response.body", "body": body, "more_body": more}


async def sent(*messages, error=""):
    """What goes out where an app says this and returns."""
    scope, heard = {"type": "http"}, []
    start_record(scope).error = error

    async def app(_, __, send):
        for message in messages:
            await send(message)

    async def send(message):
        heard.append(message)

    await Whole(app)(scope, None, send)
    return heard


def failure(heard):
    start, body = heard
    return start["status"], dict(start["headers"]), json.loads(body["body"])["error"]["code"]


async def test_what_is_whole_goes_out_as_it_is():
    messages = [START, part(b"ab"), part(b"x" * (ROOM - 2)), part(b"", more=False)]
    assert await sent(*messages) == messages


@pytest.mark.parametrize("messages", [(), (START,), (START, part(b"half"))])
async def test_what_breaks_off_is_a_failure(messages):
    status, headers, code = failure(await sent(*messages, error="upstream_timeout"))
    assert (status, code) == (502, "upstream_timeout")
    assert (headers[b"content-type"], headers[b"x-should-retry"]) == (b"application/json", b"false")
    assert headers[b"content-length"] != b"9"
    assert headers.get(b"x-request-id") == (b"req_1" if messages else None)


async def test_what_nobody_would_take_is_a_failure_that_another_try_would_not_mend():
    status, headers, code = failure(await sent(START, part(b"x" * (ROOM + 1), more=False)))
    assert (status, code, headers[b"x-should-retry"]) == (500, "answer_too_long", b"false")


async def test_the_function_holds_back_sound_and_does_not_pass_off_half_of_it(task, environment):
    async def half(_, wire):
        await wire.head(200, content_type="audio/mpeg")
        await wire.chunk(b"ID3 hm")
        wire.close()

    async def endless(_, wire):
        await wire.head(200, content_type="audio/mpeg")
        while True:
            await wire.chunk(b"m" * 65536)

    async def whole(_, wire):
        await wire.reply(200, b"ID3 hm", content_type="audio/mpeg")

    scripts = [whole, half, endless]

    async def script(seen, wire):
        await scripts.pop(0)(seen, wire)

    body = json.dumps({"model": "m", "input": "a", "voice": "alloy"}).encode()
    asked = function_url_event(Request("POST", "/v1/audio/speech", AUTHORIZED), body)
    async with upstream(script) as up:
        (task / "any2api.toml").write_text(f'[providers.up]\nkind = "openai"\nbase_url = "{up.url}"\nmodels = ["m"]\n')
        (good, *bad), _ = await buffered(task, environment, asked, asked, asked)
    assert (good["statusCode"], good["body"], good["isBase64Encoded"]) == (200, "SUQzIGht", True)
    assert [answer["statusCode"] for answer in bad] == [502, 502]
    assert [json.loads(answer["body"])["error"]["code"] for answer in bad] == ["upstream_truncated", "answer_too_long"]
