"""What is said in a recording, written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.chat.errors import UpstreamBadResponse
from core.chat.media import Transcript, TranscriptionRequest, Upload
from core.chat.requests import Json
from core.providers.puter.driver import Account, Driver, result
from core.providers.puter.results import data_url
from core.providers.puter.speech import vendor_and_engine

TRANSCRIBE = Driver("puter-speech2txt", "ai-speech2txt", "transcribe")

_EXTENSIONS: Final = frozenset({"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "ogg", "wav", "webm"})
_DETAILS: Final = ("segments", "words", "usage", "logprobs")
_READ: Final = frozenset({"prompt", "temperature"})
_READ_BY_WHISPER: Final = _READ | {"timestamp_granularities"}
_WITH_TIMES: Final = frozenset({"verbose_json", "srt", "vtt"})
"""Formats that are made of segments. Of Puter's models, whisper-1 alone gives any."""

_NO_MATTER: Final = frozenset({"response_format", "stream"})


async def transcribe(account: Account, request: TranscriptionRequest) -> Transcript:
    args, ignored = encode(request)
    transcript = await result(account, TRANSCRIBE, args, decode)
    return transcript._replace(ignored=ignored)


def encode(request: TranscriptionRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The arguments of `transcribe`, and the parameters that do not reach the vendor."""
    vendor, engine = vendor_and_engine(request.model)
    args: dict[str, Json] = {"file": data_url(_media_type(request.audio), request.audio.content), "model": engine}
    if vendor != "openai":
        args["provider"] = vendor
    if request.language:
        args["language"] = request.language
    read = frozenset() if vendor != "openai" else _READ_BY_WHISPER if engine == "whisper-1" else _READ
    args |= {name: value for name, value in request.parameters.items() if name in read}
    if engine == "whisper-1" and request.parameters.get("response_format") in _WITH_TIMES:
        args["response_format"] = "verbose_json"
    return args, tuple(name for name in request.parameters if name not in read and name not in _NO_MATTER)


def decode(said: Json) -> Transcript:
    """The transcript in a result: an object, or nothing but the text."""
    if isinstance(said, str):
        return Transcript(said)
    text = said.get("text") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(text, str):
        raise UpstreamBadResponse("The upstream answered with a transcript that holds no text.")
    language = said.get("language")
    details = {name: said[name] for name in _DETAILS if said.get(name)}
    if isinstance(words := details.get("words"), list):
        details["words"] = [_word(word) for word in words]
    return Transcript(text, language if isinstance(language, str) else None, _duration(said), details)


def _duration(said: Mapping[str, Json]) -> float | None:
    usage = said.get("usage")
    billed = usage.get("seconds") if isinstance(usage, dict) else None
    for seconds in (said.get("duration"), said.get("duration_seconds"), billed):
        if isinstance(seconds, int | float) and not isinstance(seconds, bool):
            return float(seconds)
    return None


def _word(word: Json) -> Json:
    """A word in OpenAI's form; other vendors call it `text`."""
    if not isinstance(word, dict) or "text" not in word:
        return word
    return {"word": word["text"], **{name: value for name, value in word.items() if name != "text"}}


def _media_type(audio: Upload) -> str:
    """The recording's type as Puter wants it: plain, since it makes the name of a file out of it."""
    extension = audio.name.rpartition(".")[2].lower()
    if extension in _EXTENSIONS:
        return f"audio/{extension}"
    return audio.media_type.partition(";")[0].strip().lower().replace("/x-", "/") or "application/octet-stream"
