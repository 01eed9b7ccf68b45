"""Pictures: one for each call, as a data URL or at an address of the vendor's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from core.chat.errors import Retry, UpstreamBadResponse, UpstreamError
from core.chat.media import ImageRequest, Picture, Pictures
from core.chat.requests import Json
from core.dialects.pictures import sniffed
from core.dialects.terms import count
from core.providers.puter.driver import Account, Driver, paid_for, result
from core.providers.puter.results import data_url, url_in

GENERATE = Driver("puter-image-generation", "ai-image", "generate")
AT_ONCE = 2
"""Puter lets a free account make so many pictures at a time."""

LARGEST = 32 * 1024 * 1024
_PROPORTION = 64
"""Some models list their sizes as 16 by 9; none makes pictures as small as that."""

_READ: Final = frozenset({"quality", "input_image", "input_image_mime_type", "input_images"})
_READ_BY_SOME: Final = _READ | {"guidance", "negative_prompt", "seed", "steps"}
_NO_MATTER: Final = frozenset({"response_format", "user"})


async def make(account: Account, request: ImageRequest, details: Mapping[str, Json]) -> Pictures:
    """All pictures, or an error: which is final once one of them was paid for."""
    args, ignored = encode(request, details)
    pictures: list[Picture] = []
    while len(pictures) < request.n:
        calls = [_make(account, args, request.as_bytes) for _ in range(min(AT_ONCE, request.n - len(pictures)))]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        pictures += [outcome for outcome in outcomes if isinstance(outcome, Picture)]
        if failures := [outcome for outcome in outcomes if isinstance(outcome, BaseException)]:
            raise _gravest(failures, paid=bool(pictures))
    return Pictures(tuple(pictures), ignored=ignored)


def encode(request: ImageRequest, details: Mapping[str, Json]) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The arguments of `generate`, and what of the request does not reach the vendor as it was meant."""
    read = _READ if _is_openai(request.model) else _READ_BY_SOME
    args: dict[str, Json] = {"prompt": request.prompt, "model": request.model}
    args |= {name: value for name, value in request.parameters.items() if name in read}
    ignored = [name for name in request.parameters if name not in read and name not in _NO_MATTER]
    qualities = details.get("allowedQualityLevels")
    if "quality" in args and isinstance(qualities, list) and args["quality"] not in qualities:
        del args["quality"]
        ignored.append("quality")
    if request.size is not None:
        ratio, is_kept = _ratio(request.size, details.get("allowedRatios"))
        args["ratio"] = {"w": ratio[0], "h": ratio[1]}
        ignored += [] if is_kept else ["size"]
    return args, tuple(ignored)


async def _make(account: Account, args: Mapping[str, Json], as_bytes: bool) -> Picture:
    url = await result(account, GENERATE, args, url_in)
    if as_bytes and not url.startswith("data:"):
        with paid_for():
            fetched = await account.http.fetch(url, limit=LARGEST)
            media_type = sniffed(fetched.content) or fetched.media_type
            if not media_type.startswith("image/"):
                raise UpstreamBadResponse("What lies where the upstream's picture should be is no picture.")
        url = data_url(media_type, fetched.content)
    return Picture(url)


def _gravest(failures: list[BaseException], *, paid: bool) -> BaseException:
    """The failure that says most about whether to try again: never, where that would be paid for twice."""
    for failure in failures:
        if isinstance(failure, UpstreamError) and paid:
            failure.retry, failure.costly = Retry.NEVER, True
    finals = [failure for failure in failures if not isinstance(failure, UpstreamError) or failure.retry is Retry.NEVER]
    return (finals or failures)[0]


def _ratio(size: tuple[int, int], allowed: Json) -> tuple[tuple[int, int], bool]:
    """`size` in the numbers that the model lists, and whether it means there what it says.

    Puter takes the first in the list for any that is not in it.
    """
    listed = [_pair(entry) for entry in allowed] if isinstance(allowed, list) else []
    if not listed or size in listed:
        return size, True
    same = [(width, height) for width, height in listed if width * size[1] == height * size[0] and width]
    return (same[0], max(same[0]) <= _PROPORTION) if same else (size, False)


def _pair(entry: Json) -> tuple[int, int]:
    return (count(entry.get("w")) or 0, count(entry.get("h")) or 0) if isinstance(entry, dict) else (0, 0)


def _is_openai(model: str) -> bool:
    return model.strip().lower().rpartition("/")[2].startswith("gpt-image-")
