"""Transcripts: a form comes in, text or an object or subtitles go out."""

from __future__ import annotations

from typing import Any

import pytest

from core.api import transcriptions
from core.api.transcriptions import parse, render
from core.chat.errors import InvalidRequest, Retry, UpstreamError
from core.chat.media import Transcript, TranscriptionRequest, Upload
from tests.api.studio import Studio, client, refusal
from tests.support.road import Scripted

SOUND = Upload("a.mp3", "audio/mpeg", b"ID3")
ASKED: dict[str, Any] = {"file": SOUND, "model": "m"}
SEGMENTS = [
    {"start": 0.0, "end": 1.25, "text": " Hello,\n\n there."},
    {"start": 3599.9996, "end": 3661.5, "text": "Bye --"},
]
TIMED = Transcript("Hello, there. Bye.", "english", 3661.5, {"segments": SEGMENTS, "usage": {"type": "duration"}})


async def post(studio: Scripted, **fields: Any) -> Any:
    async with client(studio, transcriptions.router) as http:
        files = {"file": ("a.mp3", b"ID3", "audio/mpeg")}
        return await http.post("/v1/audio/transcriptions", data={"model": "m", **fields}, files=files)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"file": None}, "file"),
        ({"file": "a.mp3"}, "file"),
        ({"file": SOUND._replace(content=b"")}, "file"),
        ({"model": None}, "model"),
        ({"model": SOUND}, "model"),
        ({"language": "x" * 36}, "language"),
        ({"stream": "true"}, "stream"),
        ({"temperature": "2"}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"timestamp_granularities": "word"}, "timestamp_granularities"),
        ({"timestamp_granularities": ["letter"]}, "timestamp_granularities"),
        ({"response_format": "pdf"}, "response_format"),
        ({"prompt": SOUND}, "prompt"),
        ({"known_speaker_references": ["a", SOUND]}, "known_speaker_references"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({**ASKED, **body})

    assert refused.value.param == param


@pytest.mark.parametrize(
    ("form", "parameters"),
    [(None, {}), ("json", {}), ("text", {})]
    + [(form, {"response_format": form}) for form in ("srt", "vtt", "verbose_json", "diarized_json")],
)
def test_the_provider_is_told_where_more_than_the_text_is_wanted(form: str | None, parameters: Any) -> None:
    asked = parse({**ASKED, "response_format": form})

    assert (asked.form, asked.transcription.parameters) == (form or "json", parameters)


async def test_what_is_asked_for_reaches_the_provider() -> None:
    studio = Studio(Transcript("hi", ignored=("prompt",)))
    asked = {"language": "en", "prompt": "greetings", "temperature": "0.5", "stream": "false", "api_key": "x"}
    answer = await post(studio, **asked, **{"timestamp_granularities[]": ["word", "segment"]})

    parameters = {"prompt": "greetings", "temperature": 0.5, "timestamp_granularities": ["word", "segment"]}
    assert studio.wanted == [TranscriptionRequest("m", SOUND, "en", parameters)]
    assert answer.headers["x-ignored-params"] == "api_key, prompt"
    assert answer.headers["x-any2api-provider"] == "a"
    assert answer.json() == {"text": "hi"}


async def test_plain_text() -> None:
    answer = await post(Studio(Transcript("grüß \ud83d Gott")), response_format="text")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "grüß ? Gott"


def test_an_object_with_what_is_usual_beside_the_text() -> None:
    assert render(TIMED, "json") == {"text": "Hello, there. Bye.", "usage": {"type": "duration"}}


def test_an_object_with_everything() -> None:
    assert render(TIMED, "verbose_json") == {
        "task": "transcribe",
        "language": "english",
        "duration": 3661.5,
        "text": "Hello, there. Bye.",
        "segments": SEGMENTS,
        "usage": {"type": "duration"},
    }


@pytest.mark.parametrize(("asked", "told"), [("de", "de"), (None, "unknown")])
def test_a_language_that_nobody_recognised(asked: str | None, told: str) -> None:
    assert render(TIMED._replace(language=None), "verbose_json", asked)["language"] == told


def test_subtitles() -> None:
    assert render(TIMED, "srt") == (
        "1\n00:00:00,000 --> 00:00:01,250\nHello, there.\n\n2\n01:00:00,000 --> 01:01:01,500\nBye --\n\n"
    )
    assert render(TIMED, "vtt") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello, there.\n\n01:00:00.000 --> 01:01:01.500\nBye --\n\n"
    )


ODD = [{"start": "x", "end": 1, "text": ""}]
NEVER = [{"start": 0, "end": float("inf"), "text": ""}]


@pytest.mark.parametrize("form", ["srt", "vtt"])
@pytest.mark.parametrize("segments", [None, "x", 5, [5], [{"start": 0}], ODD, NEVER])
def test_subtitles_need_times(form: str, segments: Any) -> None:
    details = {} if segments is None else {"segments": segments}
    with pytest.raises(InvalidRequest) as refused:
        render(Transcript("hi", details=details), form)

    assert refused.value.param == "response_format"


async def test_a_length_that_is_unknown_is_not_made_up() -> None:
    answer = await post(Studio(Transcript("hi", "en")), response_format="verbose_json")

    assert refusal(answer) == (400, "unsupported_value", "response_format")


async def test_json_is_no_form() -> None:
    async with client(Studio(), transcriptions.router) as http:
        answer = await http.post("/v1/audio/transcriptions", json={"model": "m"})

    assert refusal(answer) == (415, "unsupported_media_type", None)


async def test_a_form_without_a_file() -> None:
    async with client(Studio(), transcriptions.router) as http:
        answer = await http.post("/v1/audio/transcriptions", files={"model": (None, b"m")})

    assert refusal(answer) == (400, None, "file")


async def test_the_key_comes_before_the_form() -> None:
    async with client(Studio(), transcriptions.router) as http:
        answer = await http.post("/v1/audio/transcriptions", content=b"x", headers={"x-api-key": "other"})

    assert refusal(answer) == (401, "invalid_api_key", None)


async def test_failures() -> None:
    limited = UpstreamError("No.", status=429, code="rate_limited", retry=Retry.NEVER)

    assert refusal(await post(Studio(limited))) == (429, "rate_limited", None)
    assert refusal(await post(Scripted())) == (400, "unsupported_model", "model")
    assert refusal(await post(Studio(), model="other")) == (404, "model_not_found", "model")


@pytest.mark.parametrize("path", ["/v1/audio/translations", "/v1/audio"])
async def test_what_is_not_offered(path: str) -> None:
    async with client(Studio(), transcriptions.router) as http:
        assert refusal(await http.post(path, json={})) == (404, "unknown_url", None)
