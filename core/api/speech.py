"""`POST /v1/audio/speech`: text, spoken."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter, Request

from core.api.shared.access import authorize
from core.api.shared.body import read_json
from core.api.shared.bytes_reply import BytesReply
from core.api.shared.fields import check, invalid, number_within, take, take_choice, take_given, take_model
from core.api.shared.state import gateway_of, record_of, remaining_of
from core.chat.media import SpeechRequest
from core.chat.ports import SpeechProvider
from core.chat.requests import Json

LONGEST_INPUT = 100_000
LONGEST_VOICE = 256
_FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")

router = APIRouter()


class Asked(NamedTuple):
    speech: SpeechRequest
    ignored: tuple[str, ...]


@router.post("/v1/audio/speech")
async def speech(request: Request) -> BytesReply:
    gateway = gateway_of(request)
    await authorize(request)
    wanted, ignored = parse(await read_json(request, gateway.settings.max_body_bytes))
    held = gateway.hold(
        SpeechProvider,
        wanted.model,
        lambda provider, model, token: provider.speak(wanted._replace(model=model), token),
        record_of(request.scope),
        remaining=remaining_of(request.scope),
    )
    return BytesReply(held, gateway.settings.idle_timeout, ignored)


def parse(body: dict[str, Json]) -> Asked:
    """Raises `InvalidRequest` naming the field."""
    given, ignored = take_given(body)
    model = take_model(given)
    text = take(given, "input", str)
    if not text or len(text) > LONGEST_INPUT:
        raise invalid("input", f"must be a text of at most {LONGEST_INPUT} characters")
    voice = _voice(given.pop("voice", None))
    form = take_choice(given, "response_format", _FORMATS) or "mp3"
    number_within(given, "speed", float, 0.25, 4)
    if "instructions" in given:
        check(given["instructions"], str, "instructions")
    if take_choice(given, "stream_format", ("audio", "sse")) == "sse":
        raise invalid("stream_format", "cannot be sse here: the sound itself is streamed", "unsupported_parameter")
    return Asked(SpeechRequest(model, text, voice, form, given), ignored)


def _voice(given: Json) -> str:
    """The name of a voice, or the id of one's own."""
    voice = given.get("id") if isinstance(given, dict) else given
    if not isinstance(voice, str) or not 0 < len(voice) <= LONGEST_VOICE:
        raise invalid("voice", "must be the name of a voice, or an object with its id")
    return voice
