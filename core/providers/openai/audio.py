"""Texts that are spoken, and speech that is written down."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from core.chat.errors import UpstreamBadResponse
from core.chat.media import Media, SpeechRequest, Transcript, TranscriptionRequest, Upload
from core.chat.ports import Token
from core.chat.requests import Json
from core.dialects.answers import having, media
from core.providers.openai.connection import Connection, offers_no
from core.wire.multipart import form

_DETAILED: Final = frozenset({"verbose_json", "diarized_json"})
_TIMED: Final = frozenset({"srt", "vtt"})
_OWN_FIELDS: Final = frozenset({"text", "language", "duration"})


@asynccontextmanager
async def speak(connection: Connection, request: SpeechRequest, token: Token) -> AsyncIterator[Media]:
    body = {
        **request.parameters,
        "model": request.model,
        "input": request.text,
        "voice": request.voice,
        "response_format": request.format,
    }
    async with connection.asked("/audio/speech", token, body, absent=offers_no("speech")) as answer:
        yield await media(answer, "audio")


async def transcribe(connection: Connection, request: TranscriptionRequest, token: Token) -> Transcript:
    absent = offers_no("transcriptions")
    answer = having(await connection.ask("/audio/transcriptions", token, form(_fields(request)), absent=absent), "text")
    if not isinstance(answer["text"], str):
        raise UpstreamBadResponse("The upstream answered with a transcript that is no text.")
    language = answer.get("language")
    details = {name: value for name, value in answer.items() if name not in _OWN_FIELDS and value is not None}
    return Transcript(
        answer["text"],
        language if isinstance(language, str) else None,
        _seconds(answer.get("duration")),
        details,
    )


def _fields(request: TranscriptionRequest) -> Iterator[tuple[str, str | Upload]]:
    yield "model", request.model
    if request.language is not None:
        yield "language", request.language
    yield "response_format", _form_of(request)
    for name, value in request.parameters.items():
        if isinstance(value, list):
            yield from ((f"{name}[]", _text(one)) for one in value)
        elif name != "response_format":
            yield name, _text(value)
    yield "file", request.audio


def _form_of(request: TranscriptionRequest) -> str:
    """The one form of JSON that holds what is wanted: subtitles need to know when a thing was said."""
    wanted = request.parameters.get("response_format")
    if wanted in _DETAILED:
        return str(wanted)
    return "verbose_json" if wanted in _TIMED or request.parameters.get("timestamp_granularities") else "json"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _seconds(value: Json) -> float | None:
    """A duration; some services write it as a string."""
    with suppress(TypeError, ValueError):
        return float(value)
    return None
