"""Transcripts of Puter's."""

from typing import Any

import pytest

from core.chat.errors import Retry, UpstreamError
from core.chat.media import Transcript, TranscriptionRequest, Upload
from core.chat.ports import TranscriptionProvider
from core.providers.puter.transcription import decode, encode
from tests.support.puter import TOKEN, answering, args_of, captures, connected, refusing, replying, resulting
from tests.support.recordings import recordings
from tests.support.upstream import Script

CAPTURES = captures()
RIFF = Upload("speech.wav", "audio/wav", b"RIFF")


async def written(script: Script, request: TranscriptionRequest) -> Transcript:
    async with connected(script) as (_, provider):
        assert isinstance(provider, TranscriptionProvider)
        return await provider.transcribe(request, TOKEN)


async def test_the_recorded_call() -> None:
    recording = recordings("puter")["puter-stt-json"]
    async with connected(replying(recording)) as (backend, provider):
        transcript = await provider.transcribe(TranscriptionRequest("gpt-4o-mini-transcribe", RIFF), TOKEN)
    assert backend.seen[0].json == recording.exchange["upstream"]["body"]
    assert transcript == Transcript(recording.expect["text"])


async def test_the_captured_call() -> None:
    capture = CAPTURES["86_stt_testmode"]
    audio = Upload("", "audio/wav", b"RIFF$\x00\x00\x00WAVE")
    async with connected(answering(capture)) as (backend, provider):
        transcript = await provider.transcribe(TranscriptionRequest("gpt-4o-mini-transcribe", audio), TOKEN)
    assert capture.request is not None
    assert args_of(backend.seen[0])["file"] == capture.request["args"]["file"]
    assert transcript.text.startswith("Hello! This is a sample")
    assert (transcript.language, transcript.duration) == ("en", 2.0)
    assert transcript.details["words"][0] == {"word": "Hello", "start": 0, "end": 0.5}


@pytest.mark.parametrize(
    ("said", "transcript"),
    [
        ("only text", Transcript("only text")),
        ({"text": "", "words": []}, Transcript("")),
        (
            {"text": "hi", "usage": {"type": "tokens", "total_tokens": 9}},
            Transcript("hi", details={"usage": {"type": "tokens", "total_tokens": 9}}),
        ),
        (
            {"text": "hi", "usage": {"type": "duration", "seconds": 3}},
            Transcript("hi", duration=3.0, details={"usage": {"type": "duration", "seconds": 3}}),
        ),
        (
            {"text": "hi", "task": "transcribe", "language": "english", "duration": 1.5, "segments": [{"id": 0}]},
            Transcript("hi", "english", 1.5, {"segments": [{"id": 0}]}),
        ),
        (
            {"text": "hi", "language": 7, "duration": True, "words": ["odd", {"word": "hi"}]},
            Transcript("hi", details={"words": ["odd", {"word": "hi"}]}),
        ),
    ],
)
def test_what_is_told_of_a_recording(said: Any, transcript: Transcript) -> None:
    assert decode(said) == transcript


@pytest.mark.parametrize("said", [None, [], {}, {"text": None}, 7])
async def test_no_transcript(said: Any) -> None:
    with pytest.raises(UpstreamError) as raised:
        await written(resulting(said), TranscriptionRequest("whisper-1", RIFF))
    assert (raised.value.code, raised.value.retry) == ("upstream_bad_response", Retry.NEVER)


@pytest.mark.parametrize(
    ("name", "media_type", "sent"),
    [
        ("a.mp3", "application/octet-stream", "audio/mp3"),
        ("a.M4A", "audio/x-m4a", "audio/m4a"),
        ("blob", "audio/webm; codecs=opus", "audio/webm"),
        ("blob", "audio/x-wav", "audio/wav"),
        ("blob", "", "application/octet-stream"),
    ],
)
def test_a_type_that_names_a_file(name: str, media_type: str, sent: str) -> None:
    args, _ = encode(TranscriptionRequest("whisper-1", Upload(name, media_type, b"RIFF")))
    assert args["file"] == f"data:{sent};base64,UklGRg=="


TIMED = {"response_format": "srt", "timestamp_granularities": ["word"], "prompt": "Names: Ann", "temperature": 0}


@pytest.mark.parametrize(
    ("model", "args", "ignored"),
    [
        (
            "whisper-1",
            {"model": "whisper-1", "response_format": "verbose_json", "timestamp_granularities": ["word"],
             "prompt": "Names: Ann", "temperature": 0},
            (),
        ),
        (
            "openai/gpt-4o-transcribe",
            {"model": "gpt-4o-transcribe", "prompt": "Names: Ann", "temperature": 0},
            ("timestamp_granularities",),
        ),
        (
            "xai-stt",
            {"model": "xai-stt", "provider": "xai"},
            ("timestamp_granularities", "prompt", "temperature"),
        ),
    ],
)  # fmt: skip
def test_what_each_model_is_asked(model: str, args: dict[str, Any], ignored: tuple[str, ...]) -> None:
    asked, left_out = encode(TranscriptionRequest(model, RIFF, "de", TIMED))
    assert asked == {"file": "data:audio/wav;base64,UklGRg==", "language": "de", **args}
    assert left_out == ignored


async def test_what_was_left_out_is_told() -> None:
    request = TranscriptionRequest("xai-stt", RIFF, parameters={"prompt": "Ann"})
    assert (await written(resulting("hi"), request)).ignored == ("prompt",)


@pytest.mark.parametrize(
    ("script", "status", "code", "retry"),
    [
        (refusing(400, "bad_request", "Unsupported model: x"), 404, "model_not_found", Retry.OTHER_ROUTE),
        (
            refusing(400, "bad_request", "Speech-to-text provider not found: x. Available: openai, xai"),
            404,
            "model_not_found",
            Retry.OTHER_ROUTE,
        ),
        (refusing(402, "insufficient_funds", "Insufficient credits"), 429, "insufficient_quota", Retry.OTHER_TOKEN),
        (refusing(500, "internal_error"), 502, "upstream_http_500", Retry.NEVER),
    ],
)
async def test_failures(script: Script, status: int, code: str, retry: Retry) -> None:
    with pytest.raises(UpstreamError) as raised:
        await written(script, TranscriptionRequest("whisper-1", RIFF))
    assert (raised.value.status, raised.value.code, raised.value.retry) == (status, code, retry)
