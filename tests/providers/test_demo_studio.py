"""What the demo makes besides words, as the gateway asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from core.chat.completion import collect
from core.chat.errors import Blame, Retry, UpstreamError
from core.chat.media import (
    EmbeddingRequest,
    ImageRequest,
    Media,
    SpeechRequest,
    TranscriptionRequest,
    Upload,
    VideoRequest,
)
from core.chat.options import Options
from core.chat.ports import (
    NO_TOKEN,
    EmbeddingProvider,
    ImageProvider,
    SpeechProvider,
    TranscriptionProvider,
    VideoProvider,
)
from core.chat.requests import ChatRequest, Message
from core.providers.demo import Provider
from core.providers.demo.films import FILM
from core.providers.demo.pictures import data_url
from core.providers.demo.studio import MODELS
from core.providers.demo.vectors import vector
from core.wire.client import HttpClient

PORTS = {
    "embedding": EmbeddingProvider,
    "image": ImageProvider,
    "speech": SpeechProvider,
    "transcription": TranscriptionProvider,
    "video": VideoProvider,
}
WAV = Upload("a.wav", "audio/wav", b"RIFF")


def demo(**options: Any) -> Provider:
    return Provider(Options("providers.demo", options), HttpClient())


async def read(media: Media) -> bytes:
    return b"".join([chunk async for chunk in media.chunks])


def test_there_is_a_model_for_each_port() -> None:
    assert {info.kind: info.model for info in MODELS} == {
        "embedding": "demo/embedding",
        "image": "demo/picture",
        "speech": "demo/voice",
        "transcription": "demo/scribe",
        "video": "demo/film",
    }
    assert all(isinstance(demo(), port) for port in PORTS.values())


async def test_each_input_gets_its_vector() -> None:
    made = await demo().embed(EmbeddingRequest("demo/embedding", ("a cat", "a dog")), NO_TOKEN)
    assert made.vectors == (vector("a cat"), vector("a dog"))
    assert made.usage is None
    tokens = await demo().embed(EmbeddingRequest("embedding", ((1, 2), (3,)), 8), NO_TOKEN)
    assert tokens.vectors == (vector((1, 2), 8), vector((3,), 8))


@pytest.mark.parametrize("dimensions", [-1, 0, 1025])
async def test_a_vector_has_1_to_1024_dimensions(dimensions: int) -> None:
    with pytest.raises(UpstreamError) as raised:
        await demo().embed(EmbeddingRequest("embedding", ("a",), dimensions), NO_TOKEN)
    assert (raised.value.status, raised.value.param) == (400, "dimensions")


async def test_n_pictures_are_n_variations() -> None:
    made = await demo().make_images(ImageRequest("demo/picture", "a cat", 3, (16, 8)), NO_TOKEN)
    assert [picture.url for picture in made.pictures] == [data_url("a cat", number, (16, 8)) for number in range(3)]
    assert made.ignored == ()
    usual = await demo().make_images(ImageRequest("picture", "a cat"), NO_TOKEN)
    assert [picture.url for picture in usual.pictures] == [data_url("a cat", 0, (512, 512))]


async def test_what_a_picture_cannot_have_is_said() -> None:
    request = ImageRequest("picture", "a cat", size=(4096, 256), parameters={"quality": "high", "user": "ada"})
    made = await demo().make_images(request, NO_TOKEN)
    assert made.pictures[0].url == data_url("a cat", 0, (1024, 64))
    assert made.ignored == ("quality", "size")


@pytest.mark.parametrize(
    ("wanted", "media_type", "start"),
    [("wav", "audio/wav", b"RIFF"), ("pcm", "audio/pcm", b"\0\0"), ("mp3", "audio/wav", b"RIFF")],
)
async def test_speech_is_wav_or_pcm_whatever_was_asked_for(wanted: str, media_type: str, start: bytes) -> None:
    async with demo().speak(SpeechRequest("demo/voice", "Hello", "alloy", wanted), NO_TOKEN) as media:
        assert media.media_type == media_type
        assert (await read(media)).startswith(start)


@pytest.mark.parametrize(("speed", "syllables"), [(1, 1.0), (2.0, 0.5), (0.25, 4.0), (0, 4.0), (1e9, 0.25)])
async def test_speed_is_honoured_within_bounds(speed: float, syllables: float) -> None:
    request = SpeechRequest("voice", "a", "alloy", "pcm", {"speed": speed})
    async with demo().speak(request, NO_TOKEN) as media:
        assert len(await read(media)) == syllables * 2880 * 2


async def test_the_scribe_can_measure_the_voice() -> None:
    async with demo().speak(SpeechRequest("voice", "Hello, dear world!", "alloy"), NO_TOKEN) as media:
        spoken = await read(media)
    upload = Upload("speech.wav", media.media_type, spoken)
    written = await demo().transcribe(TranscriptionRequest("demo/scribe", upload), NO_TOKEN)
    assert written.text.startswith("A recording of 0.6 seconds: speech.wav")


async def test_a_film_is_begun_and_found_again_by_its_reference() -> None:
    begun = await demo().make_video(VideoRequest("demo/film", "a cat"), NO_TOKEN)
    assert begun.status == "queued"
    assert (await demo(pace=1000).video(begun.reference, NO_TOKEN)).status == "in_progress"
    with pytest.raises(UpstreamError, match="not ready"):
        async with demo(pace=1000).video_content(begun.reference, NO_TOKEN):
            pass
    long_ago = "1800000.000"
    assert (await demo().video(long_ago, NO_TOKEN)).status == "completed"
    async with demo().video_content(long_ago, NO_TOKEN) as media:
        assert media.media_type == "video/mp4"
        assert await read(media) == FILM.read_bytes()


async def ask(kind: str, provider: Provider, model: str) -> None:
    match kind:
        case "chat":
            await collect(provider.stream(ChatRequest(model, (Message("user", "Hello"),)), NO_TOKEN))
        case "embedding":
            await provider.embed(EmbeddingRequest(model, ("a",)), NO_TOKEN)
        case "image":
            await provider.make_images(ImageRequest(model, "a"), NO_TOKEN)
        case "speech":
            async with provider.speak(SpeechRequest(model, "a", "alloy"), NO_TOKEN):
                pass
        case "transcription":
            await provider.transcribe(TranscriptionRequest(model, WAV), NO_TOKEN)
        case "video":
            await provider.make_video(VideoRequest(model, "a"), NO_TOKEN)


@pytest.mark.parametrize("kind", ["chat", *PORTS])
@pytest.mark.parametrize("model", ["demo/echo", *(info.model for info in MODELS)])
async def test_a_model_is_for_one_thing(kind: str, model: str) -> None:
    """Asked for another it says so; that it does not exist would take it off the list."""
    provider = demo()
    actual = next((info.kind for info in MODELS if info.model == model), "chat")
    if kind == actual:
        await ask(kind, provider, model)
    else:
        with pytest.raises(UpstreamError, match=f"`{model}` is of the kind {actual}, not {kind}") as raised:
            await ask(kind, provider, model)
        refusal = raised.value
        assert (refusal.status, refusal.code, refusal.param) == (400, "unsupported_model", "model")
        assert (refusal.blame, refusal.retry) == (Blame.NOTHING, Retry.OTHER_ROUTE)
    await provider.aclose()
