"""What a service that speaks OpenAI's dialect may refuse in a request, and how to do without it.

Services differ in what they have never heard of: `stream_options`, `tools`, a JSON schema, a newer name for a limit.
A refusal teaches which; the same body is then said in a way that the service may take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping

from core.chat.errors import UpstreamError
from core.chat.requests import Json

Body = dict[str, Json]

Concession = Callable[[Body], bool]
"""Changes a body so that a service which refused it may take it; True where that changes the answer."""

CACHE_MARK = "cache_control"
"""Anthropic's mark on a part of a message, which clients made for Claude send to whatever answers."""

_UNHEARD_OF = re.compile(
    r"un(?:supported|known|recogni[sz]ed|expected)|not (?:be )?(?:supported|permitted|allowed|available|implemented)"
    r"|n[o']t support|extra (?:inputs|fields)|requires? --|invalid (?:parameter|argument|field)",
    re.IGNORECASE,
)
_NO_SUCH_PARAMETER = re.compile(
    r"un(?:known|supported|recogni[sz]ed|expected) (?:request )?(?:param|arg|field|key)|extra (?:inputs|fields)"
    r"|(?:param|arg|field|key)\w* .{0,60}not (?:be )?(?:supported|permitted|allowed|recogni[sz]ed)",
    re.IGNORECASE,
)
_HARMLESS = frozenset({CACHE_MARK, "stream_options", "parallel_tool_calls"})
"""Left out on any complaint; a complaint about the others may as well be about a mistake of the caller's."""


def lesson_of(error: UpstreamError, body: Body) -> tuple[str, Concession] | None:
    """What a refusal teaches: the name of the refused parameter, and how to do without it."""
    if error.status != 400 or error.code != "upstream_rejected_request":
        return None
    unheard_of = _UNHEARD_OF.search(error.message) is not None
    named = [name for name in _CONCESSIONS if name == error.param] or [
        name for name in _CONCESSIONS if name in error.message
    ]
    for name in named:
        if (name in body or name == CACHE_MARK) and (unheard_of or name in _HARMLESS):
            return name, _any_json if _wants_schema(body, name) else _CONCESSIONS[name]
    return None


def refused_parameter(error: UpstreamError, ours: Collection[str], others: Collection[str]) -> str | None:
    """Which parameter a refusal says the upstream does not know: it may as well be left out.

    Of `ours`, which no caller asked for, any complaint will do. One about the value of another is its sender's to hear.
    """
    if error.status != 400 or error.code != "upstream_rejected_request":
        return None
    candidates = [*ours, *(others if _NO_SUCH_PARAMETER.search(error.message) else ())]
    words = {error.param} if error.param in candidates else set(re.findall(r"\w+", error.message))
    return next((name for name in candidates if name in words), None)


def _wants_schema(body: Body, name: str) -> bool:
    return name == "response_format" and body[name].get("type") == "json_schema"


def _without(name: str, *, matters: bool) -> Concession:
    def concede(body: Body) -> bool:
        return body.pop(name, None) is not None and matters

    return concede


def _renamed(name: str, other: str) -> Concession:
    def concede(body: Body) -> bool:
        if name in body:
            body[other] = body.pop(name)
        return False

    return concede


def _without_cache_marks(body: Body) -> bool:
    for message in body["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else ():
            part.pop(CACHE_MARK, None)
    return False


def _without_tools(body: Body) -> bool:
    body.pop("tool_choice", None)
    body.pop("parallel_tool_calls", None)
    return body.pop("tools", None) is not None


def _any_json(body: Body) -> bool:
    """A schema becomes an instruction, and the service is held to JSON alone."""
    if "response_format" not in body or not _wants_schema(body, "response_format"):
        return False
    _instruct(body, body["response_format"])
    body["response_format"] = {"type": "json_object"}
    return True


def _instructed_json(body: Body) -> bool:
    wanted = body.pop("response_format", None)
    if wanted is None or wanted.get("type") == "text":
        return False
    _instruct(body, wanted)
    return True


def _instruct(body: Body, wanted: Mapping[str, Json]) -> None:
    schema = (wanted.get("json_schema") or {}).get("schema")
    text = "Answer with one JSON object and nothing else."
    if schema:
        text += f" It must match this JSON schema: {json.dumps(schema, ensure_ascii=False)}"
    body["messages"] = [{"role": "system", "content": text}, *body["messages"]]


_CONCESSIONS: Mapping[str, Concession] = {
    CACHE_MARK: _without_cache_marks,
    "stream_options": _without("stream_options", matters=False),
    "parallel_tool_calls": _without("parallel_tool_calls", matters=True),
    "tool_choice": _without("tool_choice", matters=True),
    "tools": _without_tools,
    "response_format": _instructed_json,
    "reasoning_effort": _without("reasoning_effort", matters=True),
    "max_completion_tokens": _renamed("max_completion_tokens", "max_tokens"),
    "max_tokens": _renamed("max_tokens", "max_completion_tokens"),
}
