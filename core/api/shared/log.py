"""One line for each request: JSON for machines, words for people on a terminal. Never a body, never a secret.

What a caller wrote (a path, a model's name) passes the redactor: it happens that a key stands in the wrong place.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable
from typing import TypeAlias

from starlette.types import Scope

from core.chat.requests import Json
from core.gateway.record import Record

Redactor: TypeAlias = Callable[[str], str]

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LOG = logging.getLogger("any2api.requests")
_LONGEST_SEGMENT = 64
_SHORTENED = 16


class JsonLines(logging.Formatter):
    """Each log entry as one JSON object; CloudWatch filters by its `level`, Cloud Logging by its `severity`."""

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname
        entry: dict[str, Json] = {"level": level.lower(), "severity": level, "logger": record.name}
        entry |= getattr(record, "fields", None) or {"message": record.getMessage()}
        if trace := getattr(record, "trace", ""):
            entry["exception"] = trace
        return json.dumps(entry, ensure_ascii=False)


class Words(logging.Formatter):
    """Each request as a line that can be read at a glance."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None)
        if fields is not None:
            return _UNPRINTABLE.sub("?", _line(fields))
        return "\n".join(filter(None, (super().format(record), getattr(record, "trace", ""))))


def log_failure(scope: Scope, error: BaseException, redact: Redactor) -> None:
    """Write why a request found no lawful end."""
    trace = redact("".join(traceback.format_exception(error)))
    _LOG.error("request %s failed", scope["any2api.id"], extra={"trace": trace})


def log_request(scope: Scope, status: int, seconds: float, record: Record, redact: Redactor) -> None:
    """Write the line for one request. `seconds` is how long it took in all."""
    usage = record.usage
    fields: dict[str, Json] = {
        "request_id": scope["any2api.id"],
        "method": scope["method"],
        "path": _shortened(redact(scope["path"])),
        "status": status,
        "caller": record.caller,
        "model": redact(record.model),
        "provider": record.provider,
        "upstream_model": redact(record.upstream_model),
        "token": record.token,
        "attempts": record.attempts or None,
        "first_event_ms": None if record.first_event is None else round(record.first_event * 1000),
        "total_ms": round(seconds * 1000),
        "events": record.events or None,
        "finish": record.finish,
        "error": record.error,
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "usage_estimated": usage.estimated or None if usage else None,
    }
    told = {name: value for name, value in fields.items() if value is not None and value != ""}
    _LOG.info("request", extra={"fields": told})


def _shortened(path: str) -> str:
    """`path` without the long ids in it: a job's holds all that is needed to find what came of it."""
    segments = path.split("/")
    return "/".join(part if len(part) <= _LONGEST_SEGMENT else f"{part[:_SHORTENED]}…" for part in segments)


def _line(fields: dict[str, Json]) -> str:
    parts = [f"{fields['status']} {fields['method']} {fields['path']}"]
    if "model" in fields:
        parts.append(f"{fields['model']} → {fields.get('provider', '?')} ({fields.get('token', '-')})")
    if "first_event_ms" in fields:
        parts.append(f"first {fields['first_event_ms']} ms")
    parts.append(f"total {fields['total_ms']} ms")
    if "completion_tokens" in fields:
        about = "~" if fields.get("usage_estimated") else ""
        parts.append(f"{about}{fields['prompt_tokens']}+{fields['completion_tokens']} tokens")
    if "error" in fields:
        parts.append(str(fields["error"]))
    return "  ".join([*parts, str(fields["request_id"])])
