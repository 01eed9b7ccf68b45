"""Reads a JSON body under strict bounds, so that a hostile one costs little and every parser would agree on it."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Iterator
from typing import NoReturn

from starlette.requests import ClientDisconnect, Request

from core.api.shared.hangup import CallerGone
from core.chat.errors import ChatError, InvalidRequest, RequestTooLarge
from core.chat.requests import Json

MAX_DEPTH = 64
READ_TIMEOUT = 30.0
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_FORMS = ("application/x-www-form-urlencoded", "multipart/")


async def read_json(request: Request, limit: int) -> dict[str, Json]:
    """The body as a JSON object, whatever its Content-Type says. `limit` is in bytes.

    Raises `InvalidRequest` for anything but one well-formed object, `RequestTooLarge` beyond the limit.
    """
    if request.headers.get("content-type", "").lower().startswith(_FORMS):
        raise InvalidRequest(
            "Send JSON with `Content-Type: application/json`, not a form.", status=415, code="unsupported_media_type"
        )
    return parse_object(await read_bytes(request, limit))


async def read_bytes(request: Request, limit: int) -> bytes:
    """The whole body, counted as it comes."""
    if request.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise InvalidRequest("Send the body uncompressed.", status=415, code="unsupported_encoding")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise ChatError(
            "The body did not arrive in time.", status=408, type="invalid_request_error", code="request_timeout"
        ) from None
    except ClientDisconnect:
        raise CallerGone from None
    return bytes(body)


def parse_object(body: bytes) -> dict[str, Json]:
    """One JSON object. Refused: NaN, duplicate keys, more than 64 levels, anything that is no UTF-8."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8.", code="invalid_json") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    except ValueError:
        raise InvalidRequest("The body holds a number of too many digits.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.", code="invalid_json")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth_exceeds(value, MAX_DEPTH):
        raise _too_deep()
    if _SURROGATE_ESCAPE.search(body):
        mended: dict[str, Json] = _mend(value)
        return mended
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add() gives None
        raise InvalidRequest(f"The key {double[:100]!r} stands twice in one object.", code="duplicate_key")
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidRequest("The body holds a number beyond all measure.", code="invalid_json")
    return number


def _no_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name} is not JSON.", code="invalid_json")


def _depth_exceeds(value: Json, limit: int) -> bool:
    level: list[Json] = [value]
    for _ in range(limit):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(item: Json) -> Iterator[Json]:
    values = item.values() if isinstance(item, dict) else item
    return (child for child in values if isinstance(child, dict | list))


def _mend(value: Json) -> Json:
    """Halves of characters, which JSON can say and UTF-8 cannot, become U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return [_mend(item) for item in value] if isinstance(value, list) else value


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"The body is larger than {limit} bytes.")


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"The JSON is nested more than {MAX_DEPTH} levels deep.", code="json_too_deep")
