"""What OpenAI takes, by its own SDK, whose types are made from its description: to check what we send."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import BytesParser
from functools import cache
from typing import Any, NamedTuple, Required, get_origin, get_type_hints

from openai.types.audio.speech_create_params import SpeechCreateParams
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsNonStreaming
from openai.types.embedding_create_params import EmbeddingCreateParams
from openai.types.image_generate_params import ImageGenerateParamsNonStreaming
from openai.types.video_create_params import VideoCreateParams
from pydantic import TypeAdapter, ValidationError

from tests.support.upstream import Seen

PARAMETERS: Mapping[str, Any] = {
    "/embeddings": EmbeddingCreateParams,
    "/images/generations": ImageGenerateParamsNonStreaming,
    "/audio/speech": SpeechCreateParams,
    "/audio/transcriptions": TranscriptionCreateParamsNonStreaming,
    "/videos": VideoCreateParams,
}
FILES = frozenset({"file", "input_reference"})


class File(NamedTuple):
    """A file of a form."""

    name: str
    media_type: str
    content: bytes


def body_of(seen: Seen) -> dict[str, Any]:
    """The parameters of a request, be it JSON or a form; `name[]` is a list."""
    if not seen.headers["content-type"].startswith("multipart/form-data"):
        return dict(seen.json)
    head = b"Content-Type: " + seen.headers["content-type"].encode() + b"\r\n\r\n"
    body: dict[str, Any] = {}
    for part in BytesParser().parsebytes(head + seen.body).get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is not None:
            body[name] = File(part.get_filename(), part.get_content_type(), content)
        elif name.endswith("[]"):
            body.setdefault(name[:-2], []).append(content.decode())
        else:
            body[name] = content.decode()
    return body


def complaint(path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What OpenAI would have to say against these parameters, None where it would take them."""
    types, required = _described(path)
    for name in required - body.keys():
        return _error(name, f"Missing required parameter: '{name}'.", "missing_required_parameter")
    for name, value in body.items():
        if name not in types:
            return _error(name, f"Unknown parameter: '{name}'.", "unknown_parameter")
        try:
            types[name].validate_python(value)
        except ValidationError:
            return _error(name, f"Invalid value: '{value}'.", "invalid_value")
    return None


@cache
def _described(path: str) -> tuple[dict[str, TypeAdapter[Any]], frozenset[str]]:
    marked = get_type_hints(PARAMETERS[path], include_extras=True)
    required = frozenset(name for name, hint in marked.items() if get_origin(hint) is Required)
    hints = get_type_hints(PARAMETERS[path])
    return {name: TypeAdapter(File if name in FILES else hint) for name, hint in hints.items()}, required


def _error(name: str, message: str, code: str) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": name, "code": code}
