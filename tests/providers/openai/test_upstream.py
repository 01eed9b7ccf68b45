"""The upstream of these tests answers as OpenAI describes it, or they would prove little."""

from __future__ import annotations

from typing import Any

import pytest

from core.wire.client import HttpClient
from tests.conformance.schema import check
from tests.support.openai_media import OpenAIMedia
from tests.support.openai_parameters import File, body_of, complaint
from tests.support.upstream import Seen

SMALL = {"model": "text-embedding-3-small", "input": ["a", "b"], "encoding_format": "float"}


async def asked(http: HttpClient, media: OpenAIMedia, path: str, body: Any = None) -> Any:
    async with http.request("GET" if body is None else "POST", media.url + path, json=body) as answer:
        return Seen("", "", {}, await answer.read()).json


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/embeddings", SMALL, "CreateEmbeddingResponse"),
        ("/images/generations", {"model": "dall-e-3", "prompt": "p", "n": 2}, "ImagesResponse"),
        ("/images/generations", {"model": "gpt-image-1", "prompt": "p"}, "ImagesResponse"),
        ("/videos", {"model": "sora-2", "prompt": "p"}, "VideoResource"),
        ("/models", None, "ListModelsResponse"),
    ],
)
async def test_answers(http: HttpClient, media: OpenAIMedia, path: str, body: Any, kind: str) -> None:
    check(await asked(http, media, path, body), kind)


async def test_films_at_every_stage(http: HttpClient, media: OpenAIMedia) -> None:
    for model, ends in (("sora-2", ["in_progress", "completed"]), ("sora-2-pro", ["failed", "failed"])):
        film = await asked(http, media, "/videos", {"model": model, "prompt": "p"})
        stages = [await asked(http, media, f"/videos/{film['id']}") for _ in ends]
        for stage in stages:
            check(stage, "VideoResource")
        assert [stage["status"] for stage in stages] == ends


async def test_transcripts(http: HttpClient, media: OpenAIMedia) -> None:
    head = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    for form, kind in (("json", "CreateTranscriptionResponseJson"),
                       ("verbose_json", "CreateTranscriptionResponseVerboseJson")):  # fmt: skip
        parts = [("file", '; filename="a.mp3"', "ID3"), ("model", "", "whisper-1"), ("response_format", "", form)]
        parts += [("timestamp_granularities[]", "", "word"), ("timestamp_granularities[]", "", "segment")]
        content = "".join(head.format(*part) for part in parts) + "--b--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=b"}
        url = f"{media.url}/audio/transcriptions"
        async with http.request("POST", url, headers=headers, content=content.encode()) as answer:
            check(Seen("", "", {}, await answer.read()).json, kind)
        assert body_of(media.asked[-1])["timestamp_granularities"] == ["word", "segment"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/embeddings", {"model": "m"}, "input"),
        ("/embeddings", {**SMALL, "encoding_format": "hex"}, "encoding_format"),
        ("/embeddings", {**SMALL, "truncate": 1}, "truncate"),
        ("/audio/speech", {"model": "m", "input": "x", "voice": "alloy", "response_format": "midi"}, "response_format"),
        ("/videos", {"prompt": "x", "seconds": "5"}, "seconds"),
        ("/videos", {"prompt": "x", "input_reference": "a picture"}, "input_reference"),
        ("/audio/transcriptions", {"model": "m", "file": File("a", "b", b""), "temperature": "hot"}, "temperature"),
    ],
)
def test_what_openai_would_not_take(path: str, body: Any, param: str) -> None:
    refusal = complaint(path, body)
    assert refusal is not None
    assert refusal["param"] == param
