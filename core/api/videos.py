"""`POST /v1/videos`, `GET /v1/videos/{id}` and its `/content`: films. The id is all that is kept of a job."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.shared.about import about
from core.api.shared.access import authorize
from core.api.shared.ask import ask, default_model
from core.api.shared.body import read_json
from core.api.shared.bytes_reply import BytesReply
from core.api.shared.errors import json_bytes
from core.api.shared.fields import invalid, take, take_given, take_model, take_size
from core.api.shared.form import read_form, refuse_files
from core.api.shared.pictures import take_picture
from core.api.shared.state import gateway_of, record_of, remaining_of
from core.chat.errors import InvalidRequest
from core.chat.media import Media, VideoJob, VideoRequest
from core.chat.ports import Token, VideoProvider
from core.chat.requests import Json
from core.gateway.tickets import Ticket, unknown_job

PREFIX = "video_"
LONGEST_FILM = 600
POLL_AFTER = 5.0
"""Seconds between two looks at a job: a film takes minutes, and each look is a request to its upstream."""

_SECONDS, _SIZE = "4", "720x1280"
"""What OpenAI's description promises where nothing is asked for."""

router = APIRouter()


class Asked(NamedTuple):
    video: VideoRequest
    ignored: tuple[str, ...]


@router.post("/v1/videos")
async def create(request: Request) -> Response:
    await authorize(request)
    wanted, ignored = parse(await _body(request))
    wanted = wanted._replace(model=wanted.model or await default_model(request, "video"))
    job = await ask(
        request,
        VideoProvider,
        wanted.model,
        lambda provider, model, token: provider.make_video(wanted._replace(model=model), token),
        once=True,
    )
    record = record_of(request.scope)
    ticket = Ticket(record.provider, record.token, record.upstream_model, job.reference, _particulars(wanted, job))
    identity = PREFIX + gateway_of(request).seal(ticket)
    return _told(request, {**render(identity, ticket, job), "prompt": wanted.prompt}, ignored)


@router.get("/v1/videos/{id}")
async def retrieve(request: Request) -> Response:
    await authorize(request)
    identity, ticket = _ticket(request)
    job = await ask(
        request,
        VideoProvider,
        ticket.about["model"],
        lambda provider, _, token: provider.video(ticket.reference, token),
        ticket=ticket,
    )
    return _told(request, render(identity, ticket, job))


@router.get("/v1/videos/{id}/content")
async def content(request: Request) -> BytesReply:
    gateway = gateway_of(request)
    await authorize(request)
    _, ticket = _ticket(request)
    if request.query_params.get("variant", "video") != "video":
        raise invalid("variant", "can only be video: there is nothing else of it", "unsupported_parameter")
    held = gateway.hold(
        VideoProvider,
        ticket.about["model"],
        lambda provider, _, token: _film(provider, ticket.reference, token),
        record_of(request.scope),
        remaining=remaining_of(request.scope),
        ticket=ticket,
    )
    return BytesReply(held, gateway.settings.idle_timeout)


def parse(body: dict[str, Json]) -> Asked:
    """A request from a form or from JSON. Raises `InvalidRequest` naming the field. `model` may be missing."""
    given, ignored = take_given(body)
    model = take_model(given) if "model" in given else ""
    prompt = take(given, "prompt", str)
    if not prompt:
        raise invalid("prompt", "must say what to film")
    seconds = _seconds(given.pop("seconds", None))
    size = take_size(given)
    picture = take_picture(given, "input_reference")
    refuse_files(given)
    return Asked(VideoRequest(model, prompt, seconds, size, picture, given), ignored)


def render(identity: str, ticket: Ticket, job: VideoJob) -> dict[str, Json]:
    """The job as it is now. Its prompt is no longer known once it has begun: it would make the id too long."""
    return {
        "id": identity,
        "object": "video",
        "status": job.status,
        "progress": 100 if job.status == "completed" else job.progress,
        "completed_at": None,
        "expires_at": None,
        "prompt": None,
        "remixed_from_video_id": None,
        "error": {"code": "video_generation_failed", "message": job.error} if job.status == "failed" else None,
        **ticket.about,
    }


async def _body(request: Request) -> dict[str, Json]:
    limit = gateway_of(request).settings.max_body_bytes
    is_form = request.headers.get("content-type", "").lower().startswith("multipart/")
    return await (read_form(request, limit) if is_form else read_json(request, limit))


def _seconds(given: Json) -> int | None:
    """OpenAI's clients send a string."""
    if given is None:
        return None
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 0 < int(text) <= LONGEST_FILM):
        raise invalid("seconds", f"must be a whole number up to {LONGEST_FILM}")
    return int(text)


def _particulars(wanted: VideoRequest, job: VideoJob) -> Mapping[str, Json]:
    """What the API tells of a job, apart from how far it is."""
    now = int(time.time())
    told: dict[str, Json] = {
        "model": wanted.model,
        "created_at": now,
        "seconds": _SECONDS if wanted.seconds is None else str(wanted.seconds),
        "size": _SIZE if wanted.size is None else "{}x{}".format(*wanted.size),
    }
    return {**told, "completed_at": now} if job.status == "completed" else told


def _ticket(request: Request) -> tuple[str, Ticket]:
    """The id in the path, and what it holds. Raises `ChatError` (404)."""
    identity: str = request.path_params["id"]
    if not identity.startswith(PREFIX):
        raise unknown_job()
    return identity, gateway_of(request).unseal(identity.removeprefix(PREFIX))


@asynccontextmanager
async def _film(provider: VideoProvider, reference: str, token: Token) -> AsyncIterator[Media]:
    """The film, of which the upstream first has to say that it is there."""
    job = await provider.video(reference, token)
    if job.status == "failed":
        raise InvalidRequest(f"There is no film: {job.error or 'it failed'}", code="video_failed")
    if job.status != "completed":
        raise InvalidRequest("The film is not ready yet; GET /v1/videos/{id} tells when.", code="video_not_ready")
    async with provider.video_content(job.reference, token) as media:
        yield media


def _told(request: Request, body: dict[str, Json], ignored: tuple[str, ...] = ()) -> Response:
    if body["error"] is not None:
        body["error"]["message"] = gateway_of(request).redact(body["error"]["message"])
    headers = dict(about(record_of(request.scope).provider, ignored))
    if body["status"] in {"queued", "in_progress"}:
        headers["openai-poll-after-ms"] = str(round(POLL_AFTER * 1000))
    return Response(json_bytes(body), 200, headers, "application/json")
