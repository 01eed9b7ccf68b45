"""`POST /v1/audio/transcriptions`: speech, written down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.shared.about import about
from core.api.shared.access import authorize
from core.api.shared.ask import ask
from core.api.shared.errors import json_bytes
from core.api.shared.fields import check, invalid, take, take_choice, take_given, take_model
from core.api.shared.form import number, read_form, refuse_files
from core.api.shared.state import gateway_of, record_of
from core.chat.errors import InvalidRequest
from core.chat.media import Transcript, TranscriptionRequest, Upload
from core.chat.ports import TranscriptionProvider
from core.chat.requests import Json

LONGEST_LANGUAGE = 35
_FORMS = ("json", "text", "srt", "vtt", "verbose_json", "diarized_json")
_BRIEF = ("json", "text")
_BESIDE_BRIEF = ("logprobs", "usage")
_GRANULARITIES = ("word", "segment")

router = APIRouter()


class Asked(NamedTuple):
    """`form` is OpenAI's `response_format`."""

    transcription: TranscriptionRequest
    form: str
    ignored: tuple[str, ...]


class Line(NamedTuple):
    """A subtitle; times in milliseconds."""

    start: int
    end: int
    text: str


@router.post("/v1/audio/transcriptions")
async def transcriptions(request: Request) -> Response:
    await authorize(request)
    asked = parse(await read_form(request, gateway_of(request).settings.max_body_bytes))
    wanted = asked.transcription
    made = await ask(
        request,
        TranscriptionProvider,
        wanted.model,
        lambda provider, model, token: provider.transcribe(wanted._replace(model=model), token),
    )
    headers = dict(about(record_of(request.scope).provider, [*asked.ignored, *made.ignored]))
    body = render(made, asked.form, wanted.language)
    if isinstance(body, str):
        return Response(body.encode("utf-8", "replace"), 200, headers, "text/plain; charset=utf-8")
    return Response(json_bytes(body), 200, headers, "application/json")


def parse(body: dict[str, Json]) -> Asked:
    """Raises `InvalidRequest` naming the field."""
    given, ignored = take_given(body)
    audio = given.pop("file", None)
    if not isinstance(audio, Upload) or not audio.content:
        raise invalid("file", "must be a file with sound in it")
    model = take_model(given)
    language = take(given, "language", str)
    if language is not None and len(language) > LONGEST_LANGUAGE:
        raise invalid("language", "must be the code of a language, like en")
    if take(given, "stream", str) not in {None, "false", "False", "0"}:
        raise invalid("stream", "is not offered: a transcript comes when it is done", "unsupported_parameter")
    number(given, "temperature", 0, 1)
    refuse_files(given)
    for granularity in check(given.get("timestamp_granularities", []), list, "timestamp_granularities"):
        if granularity not in _GRANULARITIES:
            raise invalid("timestamp_granularities", f"must be of {', '.join(_GRANULARITIES)}")
    form = take_choice(given, "response_format", _FORMS) or "json"
    if form not in _BRIEF:  # the provider shall know that more than the text is wanted
        given["response_format"] = form
    return Asked(TranscriptionRequest(model, audio, language, given), form, ignored)


def render(made: Transcript, form: str, language: str | None = None) -> Json:
    """Text as a string, all else as an object. Raises `InvalidRequest` where `form` needs what nobody told us."""
    if form == "text":
        return made.text
    if form == "json":
        return {"text": made.text, **{name: made.details[name] for name in _BESIDE_BRIEF if name in made.details}}
    if form in {"srt", "vtt"}:
        return _srt(_lines(made, form)) if form == "srt" else _vtt(_lines(made, form))
    if made.duration is None:
        raise _unknown(form)
    known = {"language": made.language or language or "unknown", "duration": made.duration, "text": made.text}
    return {**made.details, "task": "transcribe", **known}


def _lines(made: Transcript, form: str) -> list[Line]:
    """What was said when, each on one line."""
    try:
        return [
            Line(round(part["start"] * 1000), round(part["end"] * 1000), " ".join(part["text"].split()))
            for part in made.details["segments"]
        ]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise _unknown(form) from None


def _srt(lines: Iterable[Line]) -> str:
    return "".join(
        f"{n}\n{_time(line.start, ',')} --> {_time(line.end, ',')}\n{line.text}\n\n" for n, line in enumerate(lines, 1)
    )


def _vtt(lines: Iterable[Line]) -> str:
    cues = (f"{_time(line.start, '.')} --> {_time(line.end, '.')}\n{line.text}\n\n" for line in lines)
    return "WEBVTT\n\n" + "".join(cues)


def _time(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{point}{rest:03}"


def _unknown(form: str) -> InvalidRequest:
    return invalid(
        "response_format", f"cannot be {form} for this model: it does not say what was said when", "unsupported_value"
    )
