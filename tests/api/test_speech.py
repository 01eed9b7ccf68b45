"""Speech: what may be asked for, and how it reaches a provider."""

from __future__ import annotations

from typing import Any

import pytest

from core.api import speech
from core.api.speech import LONGEST_INPUT, parse
from core.chat.errors import InvalidRequest, Retry, UpstreamError, UpstreamTruncated
from core.chat.media import SpeechRequest
from tests.api.stage import Caller
from tests.api.studio import Studio, client, entrance, refusal
from tests.support.road import Scripted

ASKED = {"model": "m", "input": "hello", "voice": "alloy"}


async def post(studio: Scripted, **body: Any) -> Any:
    async with client(studio, speech.router) as http:
        return await http.post("/v1/audio/speech", json={**ASKED, **body})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a"]}, "input"),
        ({"input": "a" * (LONGEST_INPUT + 1)}, "input"),
        ({"voice": None}, "voice"),
        ({"voice": ""}, "voice"),
        ({"voice": 5}, "voice"),
        ({"voice": {"name": "x"}}, "voice"),
        ({"voice": "a" * 257}, "voice"),
        ({"response_format": "ogg"}, "response_format"),
        ({"speed": 0.2}, "speed"),
        ({"speed": "1"}, "speed"),
        ({"instructions": 1}, "instructions"),
        ({"stream_format": "sse"}, "stream_format"),
        ({"stream_format": "x"}, "stream_format"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({**ASKED, **body})

    assert refused.value.param == param


async def test_what_is_asked_for_reaches_the_provider() -> None:
    studio = Studio(["audio/wav", b"RI", b"FF"])
    asked = {"response_format": "wav", "speed": 2, "instructions": "whisper", "stream_format": "audio"}
    answer = await post(studio, **asked, api_key="x")

    parameters = {"speed": 2, "instructions": "whisper"}
    assert studio.wanted == [SpeechRequest("m", "hello", "alloy", "wav", parameters)]
    assert (answer.content, answer.headers["content-type"]) == (b"RIFF", "audio/wav")
    assert answer.headers["x-ignored-params"] == "api_key"
    assert answer.headers["x-any2api-provider"] == "a"


def test_a_voice_of_ones_own_and_the_usual_format() -> None:
    assert parse({**ASKED, "voice": {"id": "voice_1"}}).speech == SpeechRequest("m", "hello", "voice_1", "mp3")


async def test_a_failure_before_the_sound_is_an_honest_status() -> None:
    limited = UpstreamError("No.", status=429, code="rate_limited", retry=Retry.NEVER)

    assert refusal(await post(Studio(limited))) == (429, "rate_limited", None)
    assert refusal(await post(Studio(["audio/mpeg", UpstreamTruncated()]))) == (502, "upstream_truncated", None)
    assert refusal(await post(Scripted())) == (400, "unsupported_model", "model")


async def test_sound_that_is_cut_has_no_end() -> None:
    caller = Caller()
    caller.scope |= {"path": "/v1/audio/speech", "headers": [(b"x-api-key", b"a-key")], "query_string": b""}
    body = b'{"model":"m","input":"hello","voice":"alloy"}'
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else await caller.receive()

    studio = Studio(["audio/mpeg", b"ID3", UpstreamTruncated()])
    await entrance(studio, speech.router)(caller.scope, receive, caller.send)

    assert (caller.status, caller.body, studio.open) == (200, b"ID3", 0)
    assert caller.heard[-1]["more_body"] is True


@pytest.mark.parametrize("path", ["/audio/speech", "/v1/v1/audio/speech"])
async def test_the_path_that_is_meant(path: str) -> None:
    async with client(Studio(["audio/mpeg", b"ID3"]), speech.router) as http:
        assert (await http.post(path, json=ASKED)).content == b"ID3"
