"""Speech: made, and written down again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat.errors import UpstreamError, UpstreamTruncated
from core.chat.media import SpeechRequest, Transcript, TranscriptionRequest, Upload
from core.chat.options import Options
from core.providers.openai import Provider
from core.wire.client import HttpClient
from tests.providers.openai.calls import SOUND, TOKEN, read
from tests.support.openai_media import HEARD, OpenAIMedia, sound
from tests.support.openai_parameters import body_of
from tests.support.upstream import Seen, Wire, upstream

SAID = "Grüß Gott, 世界. " * 200
WHISPER, GPT = "whisper-1", "gpt-4o-transcribe"


async def test_a_text_is_spoken(provider: Provider, media: OpenAIMedia) -> None:
    asked = SpeechRequest("tts-1", SAID, "alloy", "opus", {"speed": 1.5})
    assert await read(provider.speak(asked, TOKEN)) == ("audio/opus", sound(SAID))
    (seen,) = media.asked
    assert (seen.path, seen.headers["authorization"]) == ("/v1/audio/speech", "Bearer sk-upstream")
    assert seen.json == {
        "model": "tts-1", "input": SAID, "voice": "alloy", "response_format": "opus", "speed": 1.5
    }  # fmt: skip


async def test_the_sound_is_there_before_it_has_ended_and_a_cut_one_fails(http: HttpClient) -> None:
    async def answer(_: Seen, wire: Wire) -> None:
        await wire.head(200, content_type="audio/mpeg")
        await wire.chunk(b"ID3 and")
        await wire.hung_up()

    async with upstream(answer) as service:
        one = Provider(Options("providers.o", {"base_url": service.url}), http)
        async with one.speak(SpeechRequest("m", "x", "alloy"), TOKEN) as media:
            assert await anext(media.chunks) == b"ID3 and"
        await service.connections(0)

    async def cut(_: Seen, wire: Wire) -> None:
        await wire.head(200, content_type="audio/mpeg")
        await wire.chunk(b"ID3 and")
        wire.reset()

    async with upstream(cut) as service:
        one = Provider(Options("providers.o", {"base_url": service.url}), http)
        async with one.speak(SpeechRequest("m", "x", "alloy"), TOKEN) as media:
            with pytest.raises(UpstreamTruncated):
                _ = [chunk async for chunk in media.chunks]


async def test_speech_is_written_down(provider: Provider, media: OpenAIMedia) -> None:
    spoken = Upload("gruß.mp3", "audio/mpeg", sound(SAID))
    transcript = await provider.transcribe(TranscriptionRequest(WHISPER, spoken, "de", {"temperature": 0.2}), TOKEN)
    assert transcript.text == SAID
    assert (transcript.language, transcript.duration) == (None, None)
    assert transcript.details == {"usage": {"type": "duration", "seconds": 2}}
    (seen,) = media.asked
    assert (seen.path, seen.headers["authorization"]) == ("/v1/audio/transcriptions", "Bearer sk-upstream")
    body = body_of(seen)
    assert body.pop("file").content == spoken.content
    assert body == {"model": WHISPER, "language": "de", "response_format": "json", "temperature": "0.2"}
    assert 'filename="gruß.mp3"\r\nContent-Type: audio/mpeg'.encode() in seen.body


async def test_when_a_thing_was_said_is_told_where_it_is_asked_for(provider: Provider, media: OpenAIMedia) -> None:
    parameters = {"timestamp_granularities": ["word", "segment"]}
    transcript = await provider.transcribe(TranscriptionRequest(WHISPER, SOUND, parameters=parameters), TOKEN)
    assert (transcript.language, transcript.duration) == ("english", 1.5)
    assert transcript.details["segments"][0]["end"] == 1.5
    assert "words" in transcript.details
    assert not {"text", "language", "duration"} & transcript.details.keys()
    body = body_of(media.asked[0])
    assert (body["response_format"], body["timestamp_granularities"]) == ("verbose_json", ["word", "segment"])


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ("json", "json"),
        ("text", "json"),
        ("verbose_json", "verbose_json"),
        ("srt", "verbose_json"),
        ("vtt", "verbose_json"),
    ],
)
async def test_whatever_the_caller_wants_the_upstream_is_asked_for_json(
    provider: Provider, media: OpenAIMedia, wanted: str, asked: str
) -> None:
    parameters = {"response_format": wanted}
    other = Upload("a.wav", "audio/wav", b"RIFF")
    transcript = await provider.transcribe(TranscriptionRequest(WHISPER, other, parameters=parameters), TOKEN)
    assert transcript.text == HEARD
    assert body_of(media.asked[0])["response_format"] == asked


async def test_parameters_of_every_shape_fit_into_a_form(provider: Provider, media: OpenAIMedia) -> None:
    chunking = {"type": "server_vad", "threshold": 0.5}
    parameters = {"include": ["logprobs"], "prompt": "ZyntriQix", "chunking_strategy": chunking, "stream": False}
    with pytest.raises(UpstreamError):  # by the description this is no string, but a form has nothing else
        await provider.transcribe(TranscriptionRequest(GPT, SOUND, parameters=parameters), TOKEN)
    body = body_of(media.asked[0])
    assert (body["include"], body["prompt"], body["stream"]) == (["logprobs"], "ZyntriQix", "false")
    assert json.loads(body["chunking_strategy"]) == chunking


async def test_a_model_that_tells_no_times_says_so(provider: Provider) -> None:
    parameters = {"response_format": "verbose_json"}
    with pytest.raises(UpstreamError) as caught:
        await provider.transcribe(TranscriptionRequest(GPT, SOUND, parameters=parameters), TOKEN)
    assert (caught.value.status, caught.value.param) == (400, "response_format")


@pytest.mark.parametrize(
    ("said", "duration"),
    [("8.47", 8.47), (3, 3.0), (None, None), ("long", None), ([], None)],
)
async def test_a_duration_may_be_a_string(http: HttpClient, said: Any, duration: float | None) -> None:
    answer = {"text": "", "language": 7, "duration": said, "words": None, "task": "transcribe"}
    transcript = await written_down(http, answer)
    assert transcript == Transcript("", None, duration, {"task": "transcribe"})


@pytest.mark.parametrize("answer", [{}, {"text": None}, {"text": ["a"]}, [], "text"])
async def test_what_has_no_text_is_no_transcript(http: HttpClient, answer: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        await written_down(http, answer)
    assert caught.value.code == "upstream_bad_response"


async def written_down(http: HttpClient, said: Any) -> Transcript:
    async def answer(_: Seen, wire: Wire) -> None:
        await wire.reply(200, json.dumps(said))

    async with upstream(answer) as service:
        one = Provider(Options("providers.o", {"base_url": service.url}), http)
        return await one.transcribe(TranscriptionRequest("m", SOUND), TOKEN)
