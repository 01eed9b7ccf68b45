"""Films, which take their time: a job is begun, looked after, and at last its film is fetched."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

from core.chat.errors import Retry, UpstreamError
from core.chat.media import Media, Upload, VideoJob, VideoRequest, VideoStatus
from core.chat.ports import Token
from core.chat.requests import Json
from core.dialects.answers import having, media
from core.dialects.failures import detail_of_json
from core.dialects.terms import count
from core.providers.openai.connection import Connection, offers_no
from core.wire.multipart import form

_STATUSES: Final[Mapping[str, VideoStatus]] = {
    "queued": "queued",
    "pending": "queued",
    "completed": "completed",
    "succeeded": "completed",
    "failed": "failed",
    "error": "failed",
    "cancelled": "failed",
    "canceled": "failed",
    "expired": "failed",
}
"""What else a job may say of itself means that it is under way."""


async def make_video(connection: Connection, request: VideoRequest, token: Token) -> VideoJob:
    """Asks by a form, as OpenAI's own clients do, picture or not."""
    return _job(await connection.ask("/videos", token, form(_fields(request)), absent=offers_no("videos"), once=True))


async def video(connection: Connection, reference: str, token: Token) -> VideoJob:
    return _job(await connection.ask(_path(reference), token, absent=_no_such_video()))


@asynccontextmanager
async def video_content(connection: Connection, reference: str, token: Token) -> AsyncIterator[Media]:
    async with connection.asked(f"{_path(reference)}/content", token, absent=_no_such_video()) as answer:
        yield await media(answer, "video")


def _path(reference: str) -> str:
    return f"/videos/{quote(reference, safe='')}"


def _fields(request: VideoRequest) -> Iterator[tuple[str, str | Upload]]:
    yield "model", request.model
    yield "prompt", request.prompt
    if request.seconds is not None:
        yield "seconds", str(request.seconds)
    if request.size is not None:
        yield "size", "{}x{}".format(*request.size)
    for name, value in request.parameters.items():
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if request.picture is not None:
        yield "input_reference", request.picture


def _job(answer: Json) -> VideoJob:
    job = having(answer, "id")
    status = _STATUSES.get(str(job.get("status") or "queued").lower(), "in_progress")
    progress = 100 if status == "completed" else min(count(job.get("progress")) or 0, 100)
    failure = detail_of_json(job.get("error"))
    return VideoJob(str(job["id"]), status, progress, failure.message if failure is not None else "")


def _no_such_video() -> UpstreamError:
    return UpstreamError(
        "The upstream has no such film.",
        status=404,
        type="invalid_request_error",
        code="video_not_found",
        retry=Retry.NEVER,
    )
