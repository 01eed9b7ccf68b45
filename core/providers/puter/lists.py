"""What Puter offers, by its public lists: chat models, image models and video models."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Literal, NamedTuple

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.ports import ModelInfo
from core.chat.requests import Json
from core.dialects.answers import json_body
from core.providers.puter.driver import Account, check
from core.providers.puter.models import loses_its_films, model_info

PATIENCE = 5.0
"""Seconds for a list that we can do without; they are all asked for at once."""

SOUND: Final = (
    ModelInfo("gpt-4o-mini-tts", "openai", kind="speech"),
    ModelInfo("tts-1", "openai", kind="speech"),
    ModelInfo("tts-1-hd", "openai", kind="speech"),
    ModelInfo("gpt-4o-mini-transcribe", "openai", kind="transcription"),
    ModelInfo("gpt-4o-transcribe", "openai", kind="transcription"),
    ModelInfo("whisper-1", "openai", kind="transcription"),
)
"""Puter has no public list of these. Other vendors' can be asked for as `vendor/engine`."""

_LOG = logging.getLogger("any2api")


class Lists(NamedTuple):
    """The entries of each list, as Puter has them."""

    chat: list[Json]
    images: list[Json]
    videos: list[Json]

    def models(self) -> list[ModelInfo]:
        """All models that can be asked for, each once: one that chats and also makes pictures counts as one to chat."""
        infos = [model_info(entry) for entry in self.chat]
        infos += [model_info(entry, "image") for entry in self.images]
        infos += [model_info(entry, "video") for entry in self.videos]
        infos += SOUND
        listed: dict[str, ModelInfo] = {}
        for info in infos:
            if info is not None and not (info.kind == "video" and loses_its_films(info.model)):
                listed.setdefault(info.model, info)
        return list(listed.values())


async def ask(account: Account) -> Lists:
    """All lists. Raises `UpstreamError` where that of the chat models cannot be had; without the others we can do."""
    try:
        async with asyncio.TaskGroup() as group:
            chat = group.create_task(entries(account, "chat"))
            images = group.create_task(entries_if_any(account, "image"))
            videos = group.create_task(entries_if_any(account, "video"))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return Lists(chat.result(), images.result(), videos.result())


async def entries(account: Account, kind: Literal["chat", "image", "video"]) -> list[Json]:
    """Puter's list of models of a kind. Anyone may ask."""
    url = f"{account.base_url}/puterai/{kind}/models/details"
    async with account.http.request("GET", url) as answer:
        await check(answer)
        listed = await json_body(answer)
    found = listed.get("models") if isinstance(listed, dict) else None
    if not isinstance(found, list):
        raise UpstreamBadResponse("The upstream's list of models is no list.")
    return found


async def entries_if_any(account: Account, kind: Literal["image", "video"]) -> list[Json]:
    """The same, but empty where it cannot be had."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await entries(account, kind)
    except (UpstreamError, TimeoutError) as error:
        _LOG.warning("Puter's %s models are unknown: %s", kind, getattr(error, "code", "it took too long"))
        return []
