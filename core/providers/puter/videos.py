"""Films. Puter answers when the film is done, so a job of ours is where it lies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from core.chat.errors import InvalidRequest, UpstreamBadResponse
from core.chat.media import Media, VideoJob, VideoRequest
from core.chat.requests import Json
from core.dialects.terms import count
from core.providers.puter.driver import Account, Driver, is_media, result
from core.providers.puter.models import loses_its_films
from core.providers.puter.results import data_url, url_in
from core.wire.client import HttpClient

GENERATE = Driver("puter-video-generation", "ai-video", "generate")


async def make(account: Account, request: VideoRequest, details: Mapping[str, Json]) -> VideoJob:
    """The job of a film that is done. Raises `InvalidRequest` for one that would be paid for in vain."""
    return job(await result(account, GENERATE, encode(request, details), _address))


def job(reference: str) -> VideoJob:
    return VideoJob(reference, "completed", 100)


@asynccontextmanager
async def content(http: HttpClient, reference: str) -> AsyncIterator[Media]:
    """The film that lies at `reference`."""
    async with http.download(reference) as answer:
        media_type = answer.headers.get("content-type", "")
        if not is_media(media_type, "video"):
            raise UpstreamBadResponse("What lies where the upstream's film should be is no film.")
        yield Media(media_type, answer.chunks(), length=answer.length)


def encode(request: VideoRequest, details: Mapping[str, Json]) -> dict[str, Json]:
    """The arguments of `generate`."""
    if loses_its_films(request.model):
        raise InvalidRequest(
            f"Puter loses the films that {request.model} makes, and charges for them; any other video model will do.",
            code="unsupported_model",
            param="model",
        )
    args: dict[str, Json] = {"prompt": request.prompt, "model": request.model}
    if request.seconds is not None:
        args["seconds"] = _seconds(request.seconds, details.get("durationSeconds"))
    if request.size is not None:
        width, height = request.size
        args |= {"size": _size(width, height, details.get("dimensions")), "width": width, "height": height}
    if request.picture is not None:
        picture = data_url(request.picture.media_type, request.picture.content)
        together = request.model.lower().startswith("togetherai:")
        args |= {"frame_images": [{"input_image": picture}]} if together else {"input_reference": picture}
    return args


def _seconds(seconds: int, allowed: Json) -> int:
    """Puter would make, and charge for, a film of another length."""
    lengths = [count(length) for length in allowed] if isinstance(allowed, list) else []
    if lengths and seconds not in lengths:
        raise _not_among("seconds", lengths)
    return seconds


def _size(width: int, height: int, allowed: Json) -> str:
    """A size in the model's own words, where it has any: `1280x720`, or only `720p`."""
    size, resolution = f"{width}x{height}", f"{min(width, height)}p"
    if not isinstance(allowed, list) or not allowed or size in allowed:
        return size
    if resolution in allowed:
        return resolution
    raise _not_among("size", allowed)


def _not_among(param: str, allowed: list[Json] | list[int | None]) -> InvalidRequest:
    choice = ", ".join(str(value) for value in allowed[:20])
    return InvalidRequest(f"For this model `{param}` can be: {choice}.", code="invalid_value", param=param)


def _address(made: Json) -> str:
    """Where the film lies."""
    if isinstance(made, dict) and isinstance(made.get("stream"), dict):
        raise UpstreamBadResponse("The upstream made the film and lost it: it answered with a stream's inner state.")
    url = url_in(made)
    if url.startswith("data:"):
        raise UpstreamBadResponse("The upstream sent the film itself and no address of it: we can keep no films.")
    return url
