"""The official Python client asks for vectors, pictures, sounds, transcripts and films."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, InternalServerError, NotFoundError, OpenAI, RateLimitError

from tests.conformance.gateways import Connected
from tests.conformance.media import studio
from tests.support.openai_media import FILM, HEARD, PICTURE, REVISED, OpenAIMedia, sound, vector
from tests.support.openai_parameters import body_of

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Connected, OpenAIMedia]]:
    with studio() as running:
        yield running


@pytest.fixture
def client(running: tuple[Connected, OpenAIMedia]) -> Iterator[OpenAI]:
    with running[0].openai() as client:
        yield client


@pytest.fixture
def upstream(running: tuple[Connected, OpenAIMedia]) -> OpenAIMedia:
    running[1].asked.clear()
    return running[1]


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
def test_embeddings(client: OpenAI, options: Any) -> None:
    """Item 78: it asks for base64 unless it is told not to."""
    made = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], **options)

    vectors = [vector("a"), vector("b")]
    if options.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{len(one)}f", *one)).decode() for one in vectors]
    assert [entry.embedding for entry in made.data] == vectors
    assert (made.data[1].index, made.usage.total_tokens) == (1, 2)


def test_embeddings_of_a_length(client: OpenAI) -> None:
    made = client.embeddings.create(model="text-embedding-3-small", input=[[1, 2]], dimensions=64)

    assert made.data[0].embedding == vector([1, 2], 64)


def test_a_picture(client: OpenAI) -> None:
    made = client.images.generate(model="dall-e-3", prompt="a cat", size="1024x1024", response_format="b64_json")

    assert made.data is not None
    assert base64.b64decode(made.data[0].b64_json or "") == PICTURE
    assert made.data[0].revised_prompt == REVISED + "a cat"


def test_a_picture_that_counts_its_tokens(client: OpenAI) -> None:
    made = client.images.generate(model="gpt-image-1", prompt="a cat", quality="high", n=2)

    assert made.usage is not None
    assert (len(made.data or ()), made.usage.output_tokens) == (2, 272)


def test_the_first_model_that_draws_is_meant_where_none_is_named(client: OpenAI, upstream: OpenAIMedia) -> None:
    client.images.generate(prompt="a cat")

    assert body_of(upstream.asked[-1])["model"] == "dall-e-3"


def test_speech_is_heard_as_it_comes(client: OpenAI, tmp_path: Path) -> None:
    speaking = client.audio.speech.with_streaming_response
    with speaking.create(model="tts-1", voice="alloy", input="hello " * 1000, response_format="mp3") as answer:
        pieces = list(answer.iter_bytes(1024))

    assert b"".join(pieces) == sound("hello " * 1000)
    assert client.audio.speech.create(model="tts-1", voice="alloy", input="hello").content == sound("hello")


def test_transcripts(client: OpenAI, upstream: OpenAIMedia) -> None:
    write_down = client.audio.transcriptions.create
    file = ("a.mp3", sound("Speech, written down."))

    assert write_down(model="whisper-1", file=file).text == "Speech, written down."
    assert write_down(model="whisper-1", file=file, response_format="text") == "Speech, written down."
    assert write_down(model="whisper-1", file=file, response_format="vtt").startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert write_down(model="gpt-4o-transcribe", file=b"RIFF", language="en", temperature=0.5).text == HEARD
    told = body_of(upstream.asked[-1])
    assert (told["language"], told["file"].content) == ("en", b"RIFF")


def test_a_transcript_in_detail(client: OpenAI) -> None:
    made = client.audio.transcriptions.create(
        model="whisper-1",
        file=("a.mp3", sound("two words")),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )

    assert (made.text, made.language, made.duration) == ("two words", "english", 1.5)
    assert [word.word for word in made.words or ()] == ["two", "words"]
    assert [segment.text for segment in made.segments or ()] == ["two words"]


def test_a_film(client: OpenAI, upstream: OpenAIMedia) -> None:
    begun = client.videos.create(
        model="sora-2", prompt="a cat", seconds="8", size="1280x720", input_reference=("p.png", PICTURE, "image/png")
    )
    told = body_of(upstream.asked[-1])
    assert (told["seconds"], told["size"], told["input_reference"].content) == ("8", "1280x720", PICTURE)

    done = client.videos.poll(begun.id, poll_interval_ms=1)
    assert (begun.status, done.status, done.id) == ("queued", "completed", begun.id)
    assert client.videos.download_content(done.id).read() == FILM


def test_a_film_waited_for(client: OpenAI) -> None:
    done = client.videos.create_and_poll(prompt="a cat", model="sora-2", poll_interval_ms=1)
    failed = client.videos.create_and_poll(prompt="a cat", model="sora-2-pro", poll_interval_ms=1)

    assert (done.status, done.progress, done.error) == ("completed", 100, None)
    assert failed.status == "failed"
    assert failed.error is not None
    with pytest.raises(BadRequestError, match="There is no film"):
        client.videos.download_content(failed.id)


def test_what_is_not_offered(client: OpenAI, upstream: OpenAIMedia) -> None:
    with pytest.raises(BadRequestError, match="`stream` is not offered"):
        client.images.generate(model="dall-e-3", prompt="a cat", stream=True)
    with pytest.raises(BadRequestError, match="`stream` is not offered"):
        client.audio.transcriptions.create(model="gpt-4o-transcribe", file=b"RIFF", stream=True)
    with pytest.raises(NotFoundError, match="There is no such job here"):
        client.videos.retrieve("video_123")
    assert upstream.asked == []


def test_what_may_have_cost_is_asked_for_once(running: tuple[Connected, OpenAIMedia], upstream: OpenAIMedia) -> None:
    """Neither by us nor by a client that would retry twice."""
    gateway, _ = running
    with gateway.openai(max_retries=2) as client:
        for make in (
            lambda: client.images.generate(model="up/broken", prompt="a cat"),
            lambda: client.videos.create(model="up/broken", prompt="a cat"),
        ):
            with pytest.raises(InternalServerError):
                make()
            assert len([seen for seen in upstream.asked if seen.method == "POST"]) == 1
            upstream.asked.clear()


def test_failures_are_of_their_class(client: OpenAI) -> None:
    with pytest.raises(RateLimitError):
        client.embeddings.create(model="up/limited", input="a")
    with pytest.raises(BadRequestError, match="safety system"):
        client.images.generate(model="up/blocked", prompt="a cat")
