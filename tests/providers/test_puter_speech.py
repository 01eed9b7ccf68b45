"""Speech of Puter's: who has which model, and sound as it arrives."""

from typing import Any

import pytest

from core.chat.errors import Retry, UpstreamError, UpstreamTruncated
from core.chat.media import SpeechRequest
from core.chat.ports import SpeechProvider
from core.providers.puter.speech import encode, vendor_and_engine
from tests.support.puter import TOKEN, answering, args_of, captures, connected, refusing, replying, resulting, saying
from tests.support.recordings import recordings
from tests.support.upstream import Script, Seen, Wire

CAPTURES = captures()
HELLO = SpeechRequest("tts-1", "hello", "nova", "wav")


async def heard(script: Script, request: SpeechRequest = HELLO) -> tuple[str, bytes]:
    async with connected(script) as (_, provider):
        assert isinstance(provider, SpeechProvider)
        async with provider.speak(request, TOKEN) as media:
            return media.media_type, b"".join([chunk async for chunk in media.chunks])


async def failure(script: Script) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await heard(script)
    return raised.value


async def test_the_recorded_call() -> None:
    recording = recordings("puter")["puter-tts-binary"]
    request = SpeechRequest("gpt-4o-mini-tts", "hi", "alloy")
    async with connected(replying(recording)) as (backend, provider), provider.speak(request, TOKEN) as media:
        sound = b"".join([chunk async for chunk in media.chunks])
    assert backend.seen[0].json == recording.exchange["upstream"]["body"]
    assert (media.media_type, sound, media.ignored) == ("audio/mpeg", recording.raw, ())
    assert len(sound) == recording.expect["audio_bytes"]


async def test_the_captured_calls() -> None:
    capture = CAPTURES["83b_tts_openai_wav_alias"]
    async with connected(answering(capture)) as (backend, provider), provider.speak(HELLO, TOKEN) as media:
        assert [chunk async for chunk in media.chunks] == [b"ID3FAKEAUDIO"]
    assert capture.request is not None
    assert args_of(backend.seen[0]) == {**capture.request["args"], "provider": "openai"}
    assert media.media_type == "audio/wav"
    assert await heard(answering(CAPTURES["83_tts_openai"])) == ("audio/mpeg", b"ID3FAKEAUDIO")


async def test_sound_is_passed_on_while_it_arrives() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(200, content_type="audio/mpeg")
        await wire.chunk(b"ID3")
        await wire.hung_up()

    async with connected(script) as (backend, provider):
        async with provider.speak(HELLO, TOKEN) as media:
            assert await anext(media.chunks) == b"ID3"
        await backend.connections(0)


async def test_sound_that_looks_like_a_page() -> None:
    assert await heard(saying(b"<\x00html", "audio/pcm")) == ("audio/pcm", b"<\x00html")
    assert await heard(saying(b"<!doctype", "application/octet-stream")) == ("application/octet-stream", b"<!doctype")


async def test_sound_that_lies_elsewhere() -> None:
    def lying_at(media_type: str) -> Script:
        async def script(seen: Seen, wire: Wire) -> None:
            if seen.path == "/tts_example.mp3":
                assert "authorization" not in seen.headers
                await wire.reply(200, b"ID3", content_type=media_type)
            else:
                url = f"http://{seen.headers['host']}/tts_example.mp3"
                await resulting({"url": url, "content_type": "audio"})(seen, wire)

        return script

    assert await heard(lying_at("audio/mpeg")) == ("audio/mpeg", b"ID3")
    assert (await failure(lying_at("text/html"))).retry is Retry.NEVER


@pytest.mark.parametrize(
    ("model", "vendor", "engine"),
    [
        ("gpt-4o-mini-tts", "openai", "gpt-4o-mini-tts"),
        ("tts-1-hd", "openai", "tts-1-hd"),
        ("unheard-of", "openai", "unheard-of"),
        ("eleven_multilingual_v2", "elevenlabs", "eleven_multilingual_v2"),
        ("gemini-2.5-flash-preview-tts", "gemini", "gemini-2.5-flash-preview-tts"),
        ("simba-3.2", "speechify", "simba-3.2"),
        ("xai-tts", "xai", "xai-tts"),
        ("neural", "aws-polly", "neural"),
        ("ElevenLabs/eleven_v3", "elevenlabs", "eleven_v3"),
        ("openai/tts-1", "openai", "tts-1"),
    ],
)
def test_who_has_a_model(model: str, vendor: str, engine: str) -> None:
    assert vendor_and_engine(model) == (vendor, engine)


@pytest.mark.parametrize(
    ("request_", "args", "ignored"),
    [
        (
            SpeechRequest("tts-1", "hi", "", "opus", {"instructions": "Whisper.", "speed": 2}),
            {"provider": "openai", "model": "tts-1", "response_format": "opus", "instructions": "Whisper."},
            ("speed",),
        ),
        (
            SpeechRequest("neural", "hi", "Joanna", "mp3"),
            {"provider": "aws-polly", "engine": "neural", "voice": "Joanna"},
            (),
        ),
        (
            SpeechRequest("eleven_v3", "hi", "v", "wav", {"instructions": "Whisper."}),
            {"provider": "elevenlabs", "model": "eleven_v3", "voice": "v"},
            ("instructions", "response_format"),
        ),
        (
            SpeechRequest("gemini/g", "hi", "Kore", "mp3", {"instructions": "Whisper."}),
            {"provider": "gemini", "model": "g", "voice": "Kore", "instructions": "Whisper."},
            ("response_format",),
        ),
        (
            SpeechRequest("xai-tts", "hi", "eve", "pcm"),
            {"provider": "xai", "model": "xai-tts", "voice": "eve", "response_format": "pcm"},
            (),
        ),
    ],
)
def test_what_each_vendor_is_asked(request_: SpeechRequest, args: dict[str, Any], ignored: tuple[str, ...]) -> None:
    assert encode(request_) == ({"text": "hi", **args}, ignored)


@pytest.mark.parametrize(
    ("script", "status", "code", "param", "retry"),
    [
        (answering(CAPTURES["83d_tts_no_text"]), 400, "missing_required_parameter", "input", Retry.NEVER),
        (answering(CAPTURES["83e_tts_unconfigured"]), 404, "model_not_found", "model", Retry.OTHER_ROUTE),
        (
            refusing(400, "field_invalid", "Invalid voice: x. Expected: alloy", key="voice", got="x"),
            400,
            "invalid_value",
            "voice",
            Retry.NEVER,
        ),
        (refusing(400, "field_invalid", "Invalid model: x.", key="model"), 400, "invalid_value", "model", Retry.NEVER),
        (refusing(400, "invalid_engine", "Invalid engine: x."), 400, "invalid_value", "model", Retry.NEVER),
        (refusing(402, "insufficient_funds"), 429, "insufficient_quota", None, Retry.OTHER_TOKEN),
        (saying(b"", "audio/mpeg"), 502, "upstream_empty", None, Retry.NEVER),
        (saying("hi", "text/plain"), 502, "upstream_bad_response", None, Retry.NEVER),
        (resulting({"content_type": "audio"}), 502, "upstream_bad_response", None, Retry.NEVER),
    ],
)
async def test_failures(script: Script, status: int, code: str, param: str | None, retry: Retry) -> None:
    error = await failure(script)
    assert (error.status, error.code, error.param, error.retry) == (status, code, param, retry)


async def test_sound_that_is_cut() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(200, content_type="audio/mpeg")
        await wire.chunk(b"ID3")
        wire.close()

    error = await failure(script)
    assert isinstance(error, UpstreamTruncated)
    assert error.retry is Retry.NEVER
