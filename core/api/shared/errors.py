"""An error as OpenAI's clients read it, with nothing in it that must not leave."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TypeAlias

from fastapi import APIRouter
from starlette.responses import Response

from core.chat.errors import ChatError
from core.chat.requests import Json

ErrorObject: TypeAlias = Callable[[ChatError], dict[str, Json]]
"""The body of an error in some API's form. The error has already passed `redact_error`."""

# json.dumps would make one for each token
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class OwnErrors(APIRouter):
    """The routes of an API whose errors have a form of their own, whatever fails at `root` or below it."""

    def __init__(self, root: str, error_object: ErrorObject) -> None:
        super().__init__()
        self.error_object = error_object
        self._root = root

    def owns(self, path: str) -> bool:
        return f"{path}/".startswith(f"{self._root}/")


def redact_error(error: ChatError, redact: Callable[[str], str]) -> None:
    """Take what must not leave out of everything in `error` that may quote an upstream."""
    error.message = redact(error.message)
    error.param = error.param and redact(error.param)


def error_object(error: ChatError) -> dict[str, Json]:
    """OpenAI's form: `{"error": {message, type, param, code}}`."""
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def error_response(
    error: ChatError, headers: dict[str, str] | None = None, form: ErrorObject = error_object
) -> Response:
    """The error as a whole answer, with Retry-After in whole seconds where waiting helps.

    Both of OpenAI's clients try a 5xx again unless `x-should-retry` forbids it.
    """
    headers = dict(headers or {})
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(math.ceil(error.retry_after), 1))
    if error.costly:
        headers["x-should-retry"] = "false"
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(json_bytes(form(error)), error.status, headers, "application/json")


def json_bytes(value: Json) -> bytes:
    """Compact UTF-8 JSON. A half of a character, which UTF-8 cannot say, becomes a question mark.

    Infinity and NaN, which an upstream may have told and JSON cannot say, become null.
    """
    try:
        text = _ENCODER.encode(value)
    except ValueError:
        text = _ENCODER.encode(_sayable(value))
    return text.encode("utf-8", "replace")


def _sayable(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sayable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
