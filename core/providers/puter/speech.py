"""Speech, as raw sound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from core.chat.errors import UpstreamBadResponse
from core.chat.media import Media, SpeechRequest
from core.chat.requests import Json
from core.providers.puter.driver import Account, Driver, call_once, is_media, unwrapped
from core.providers.puter.results import url_in
from core.wire.client import HttpAnswer

SYNTHESIZE = Driver("puter-tts", "ai-tts", "synthesize")

_ENGINES: Final = (
    ("eleven_", "elevenlabs"),
    ("gemini-", "gemini"),
    ("simba-", "speechify"),
    ("xai-", "xai"),
    ("standard", "aws-polly"),
    ("neural", "aws-polly"),
    ("long-form", "aws-polly"),
    ("generative", "aws-polly"),
)
_ONE_FORMAT: Final = {"aws-polly": "mp3", "elevenlabs": "mp3", "gemini": "wav"}
_INSTRUCTED: Final = frozenset({"gemini", "openai"})


def vendor_and_engine(model: str) -> tuple[str, str]:
    """Who has a model for sound, in Puter's words: as `vendor/engine` says, or its name; OpenAI where neither does."""
    vendor, slash, engine = model.partition("/")
    if slash:
        return vendor.lower(), engine
    return next((vendor for start, vendor in _ENGINES if model.lower().startswith(start)), "openai"), model


def encode(request: SpeechRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The arguments of `synthesize`, and the parameters that do not reach the vendor."""
    vendor, engine = vendor_and_engine(request.model)
    args: dict[str, Json] = {"text": request.text, "provider": vendor}
    args["engine" if vendor == "aws-polly" else "model"] = engine
    if request.voice:
        args["voice"] = request.voice
    ignored = [name for name in request.parameters if name != "instructions" or vendor not in _INSTRUCTED]
    if "instructions" not in ignored and "instructions" in request.parameters:
        args["instructions"] = request.parameters["instructions"]
    if vendor not in _ONE_FORMAT:
        args["response_format"] = request.format
    elif request.format != _ONE_FORMAT[vendor]:
        ignored.append("response_format")
    return args, tuple(ignored)


@asynccontextmanager
async def speak(account: Account, request: SpeechRequest) -> AsyncIterator[Media]:
    args, ignored = encode(request)
    async with call_once(account, SYNTHESIZE, args) as answer:
        if is_media(_content_type(answer), "audio"):
            yield Media(_content_type(answer), answer.chunks(), ignored, answer.length)
            return
        url = url_in(await unwrapped(answer))
        async with account.http.download(url) as sound:
            if not is_media(_content_type(sound), "audio"):
                raise UpstreamBadResponse("What lies where the upstream's speech should be is no sound.")
            yield Media(_content_type(sound), sound.chunks(), ignored, sound.length)


def _content_type(answer: HttpAnswer) -> str:
    return answer.headers.get("content-type", "")
