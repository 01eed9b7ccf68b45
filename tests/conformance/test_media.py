"""Vectors, pictures, sounds, transcripts and films over HTTP, by OpenAI's description."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.gateways import Connected
from tests.conformance.media import studio
from tests.conformance.schema import check
from tests.support.openai_media import FILM, PICTURE, OpenAIMedia, sound, vector
from tests.support.openai_parameters import body_of

SOUND = ("a.mp3", sound("Speech, written down."), "audio/mpeg")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Connected, OpenAIMedia]]:
    with studio() as running:
        yield running


@pytest.fixture
def http(running: tuple[Connected, OpenAIMedia]) -> httpx.Client:
    return running[0].http


@pytest.fixture
def asked(running: tuple[Connected, OpenAIMedia]) -> Any:
    """What the upstream was asked last."""
    return lambda: body_of(running[1].asked[-1])


def embed(http: httpx.Client, given: Any = "a", **body: Any) -> Any:
    return http.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": given, **body})


def transcribe(http: httpx.Client, **fields: Any) -> httpx.Response:
    return http.post("/v1/audio/transcriptions", data={"model": "whisper-1", **fields}, files={"file": SOUND})


def test_embeddings(http: httpx.Client) -> None:
    """Item 118: in their order, the same vector for the same input."""
    body = embed(http, ["a", "b", "a"]).json()

    check(body, "CreateEmbeddingResponse")
    assert [entry["index"] for entry in body["data"]] == [0, 1, 2]
    assert [entry["embedding"] for entry in body["data"]] == [vector("a"), vector("b"), vector("a")]
    assert body["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize("given", ["hello", ["a", "b"], [1, 2, 3], [[1, 2], [3]]])
def test_base64_says_the_same_as_digits(http: httpx.Client, given: Any) -> None:
    """Item 119."""
    digits, packed = embed(http, given).json()["data"], embed(http, given, encoding_format="base64").json()["data"]

    assert len(digits) == len(packed)
    for one, other in zip(digits, packed, strict=True):
        content = base64.b64decode(other["embedding"])
        assert list(struct.unpack(f"<{len(content) // 4}f", content)) == one["embedding"]


def test_dimensions_are_heeded_or_refused(http: httpx.Client) -> None:
    """Item 120."""
    assert len(embed(http, dimensions=256).json()["data"][0]["embedding"]) == 256
    for model in ("sloppy-embedding", "strict-embedding"):
        refused = embed(http, model=model, dimensions=256)
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


def test_usage_that_the_upstream_does_not_tell_is_an_estimate(http: httpx.Client) -> None:
    answer = embed(http, "a text of some length", model="sloppy-embedding")

    assert answer.headers["x-usage-estimated"] == "true"
    assert answer.json()["usage"]["prompt_tokens"] == 6


@pytest.mark.parametrize("form", ["url", "b64_json", None])
@pytest.mark.parametrize("model", ["dall-e-3", "gpt-image-1", "flux-links"])
def test_pictures(http: httpx.Client, asked: Any, model: str, form: str | None) -> None:
    """Item 121: as many as were asked for, in the form that was asked for, whatever the upstream prefers."""
    body = {"model": model, "prompt": "a cat", "n": 2, "response_format": form}
    answer = http.post("/v1/images/generations", json={name: value for name, value in body.items() if value})

    check(answer.json(), "ImagesResponse")
    pictures = answer.json()["data"]
    assert len(pictures) == 2
    assert all(form is None or form in picture for picture in pictures)
    for picture in pictures:
        if "b64_json" in picture:
            assert base64.b64decode(picture["b64_json"]) == PICTURE


def test_a_picture_needs_a_prompt(http: httpx.Client) -> None:
    """Item 19."""
    refused = http.post("/v1/images/generations", json={"model": "dall-e-3"})

    check(refused.json(), "ErrorResponse")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "prompt")


def test_vectors_need_an_input(http: httpx.Client) -> None:
    """Item 18."""
    refused = http.post("/v1/embeddings", json={"model": "text-embedding-3-small"})

    check(refused.json(), "ErrorResponse")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "input")


@pytest.mark.parametrize(("form", "kind"), [(None, "audio/mpeg"), ("wav", "audio/wav"), ("opus", "audio/opus")])
def test_speech(http: httpx.Client, asked: Any, form: str | None, kind: str) -> None:
    """Item 123."""
    body = {"model": "tts-1", "input": "hello", "voice": "alloy", "response_format": form}
    answer = http.post("/v1/audio/speech", json=body)

    assert (answer.content, answer.headers["content-type"]) == (sound("hello"), kind)
    assert asked()["voice"] == "alloy"


def test_transcripts(http: httpx.Client) -> None:
    """Item 124."""
    answer = transcribe(http, prompt="hm", temperature="0.2", language="en")

    check(answer.json(), "CreateTranscriptionResponseJson")
    assert answer.json()["text"] == "Speech, written down."


def test_a_transcript_as_plain_text(http: httpx.Client) -> None:
    """Item 125."""
    answer = transcribe(http, response_format="text")

    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "Speech, written down."


def test_a_transcript_in_detail(http: httpx.Client) -> None:
    answer = transcribe(http, response_format="verbose_json", **{"timestamp_granularities[]": ["word", "segment"]})

    check(answer.json(), "CreateTranscriptionResponseVerboseJson")
    assert [word["word"] for word in answer.json()["words"]] == ["Speech,", "written", "down."]
    assert len(answer.json()["segments"]) == 1


def test_subtitles(http: httpx.Client) -> None:
    assert transcribe(http, response_format="srt").text == (
        "1\n00:00:00,000 --> 00:00:01,500\nSpeech, written down.\n\n"
    )


def test_there_must_be_something_to_hear(http: httpx.Client) -> None:
    """Item 126."""
    refused = http.post("/v1/audio/transcriptions", files={"model": (None, "whisper-1")})

    check(refused.json(), "ErrorResponse")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "file")


@pytest.mark.parametrize("form", [False, True])
def test_films(http: httpx.Client, form: bool) -> None:
    """Item 122: begun, looked after twice, fetched."""
    fields = {"model": "sora-2", "prompt": "a cat", "seconds": "8", "size": "1280x720"}
    begun = http.post("/v1/videos", **({"files": {**_text(fields)}} if form else {"json": fields}))
    check(begun.json(), "VideoResource")
    path = f"/v1/videos/{begun.json()['id']}"

    early = http.get(f"{path}/content")
    done = http.get(path)
    film = http.get(f"{path}/content")

    check(done.json(), "VideoResource")
    assert (early.status_code, early.json()["error"]["code"]) == (400, "video_not_ready")
    assert (done.json()["status"], done.json()["seconds"], done.json()["size"]) == ("completed", "8", "1280x720")
    assert (film.content, film.headers["content-type"]) == (FILM, "video/mp4")


def test_a_film_that_comes_to_nothing(http: httpx.Client) -> None:
    begun = http.post("/v1/videos", json={"model": "sora-2-pro", "prompt": "a cat"}).json()
    failed = http.get(f"/v1/videos/{begun['id']}")

    check(failed.json(), "VideoResource")
    assert (failed.status_code, failed.json()["status"]) == (200, "failed")
    assert "moderation" in failed.json()["error"]["message"]
    assert http.get(f"/v1/videos/{begun['id']}/content").json()["error"]["code"] == "video_failed"


REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"json": {"input": "a"}},
    "/v1/images/generations": {"json": {"prompt": "a"}},
    "/v1/audio/speech": {"json": {"input": "a", "voice": "alloy"}},
    "/v1/audio/transcriptions": {"files": {"file": SOUND}},
    "/v1/videos": {"json": {"prompt": "a"}},
}
every_path = pytest.mark.parametrize("path", REQUESTS)


def ask(http: httpx.Client, path: str, model: str) -> httpx.Response:
    given = REQUESTS[path]
    named = {"json": {**given["json"], "model": model}} if "json" in given else {**given, "data": {"model": model}}
    return http.post(path, **named)


@every_path
def test_a_model_that_nobody_has(http: httpx.Client, path: str) -> None:
    """Item 15."""
    refused = ask(http, path, "no-such-model")

    check(refused.json(), "ErrorResponse")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")


@every_path
def test_without_a_key_nothing_is_read(http: httpx.Client, path: str) -> None:
    refused = httpx.post(f"{http.base_url}{path}", content=b"{", headers={"content-type": "text/x"}, trust_env=False)

    check(refused.json(), "ErrorResponse")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")


@every_path
def test_a_path_with_v1_forgotten_or_doubled(http: httpx.Client, path: str) -> None:
    for written in (path.removeprefix("/v1"), f"/v1{path}", f"{path}/"):
        assert http.post(written, json={}).status_code in {400, 415}


@every_path
def test_a_body_beyond_all_measure(http: httpx.Client, path: str) -> None:
    headers = {"content-type": "multipart/form-data; boundary=B"} if "files" in REQUESTS[path] else {}
    refused = http.post(path, content=b"x" * (4 * 1024 * 1024 + 1), headers=headers)

    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")


def _text(fields: dict[str, str]) -> dict[str, Any]:
    """As parts of a form without a file."""
    return {name: (None, value) for name, value in fields.items()}
