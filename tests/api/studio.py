"""A provider that makes whatever a test lays ready, behind a real gateway, and a client who has its key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter

from core.api.shared.assembly import assemble
from core.chat.media import Media, VideoJob
from core.chat.ports import ModelInfo, Token
from tests.support.road import Road, Scripted


class Studio(Scripted):
    """Gives its results in turn, raising those that are failures. `wanted` is what it was asked for, `tokens` by which.

    Of sound and films a result is the media type and the chunks, of which one may be a failure, or an event to wait
    for. `open` counts those that are open.
    """

    def __init__(self, *results: Any, offers: Sequence[ModelInfo] = ()) -> None:
        super().__init__()
        self.results = list(results)
        self.wanted: list[Any] = []
        self.tokens: list[str] = []
        self.open = 0
        self._offers = offers

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        return self._offers

    async def make(self, request: Any, token: Token) -> Any:
        self.wanted.append(request)
        self.tokens.append(token.secret)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    embed = make_images = transcribe = make_video = make

    async def video(self, reference: str, token: Token) -> VideoJob:
        job: VideoJob = await self.make(reference, token)
        return job

    @asynccontextmanager
    async def speak(self, request: Any, token: Token) -> AsyncIterator[Media]:
        media_type, *chunks = await self.make(request, token)
        self.open += 1
        try:
            yield Media(media_type, _chunks(chunks))
        finally:
            self.open -= 1

    video_content = speak


async def _chunks(chunks: Sequence[Any]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        if isinstance(chunk, Exception):
            raise chunk
        if isinstance(chunk, bytes):
            yield chunk
        else:
            await chunk.wait()


def entrance(studio: Studio, router: APIRouter, **options: Any) -> Any:
    """The app with this API in front of the studio, which is the provider `a` and has the model `m`."""
    return assemble(Road({"a": studio}, **options).gateway, [router], [], ["*"])


def client(studio: Studio, router: APIRouter, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(entrance(studio, router, **options))
    return httpx.AsyncClient(transport=transport, base_url="http://x", headers={"x-api-key": "a-key"})


def refusal(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, code and param of an error."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["code"], error["param"]
