"""Small words that many dialects share: reasons to finish, token counts, ids."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Final

from core.chat.events import FinishReason, Usage
from core.chat.requests import Json

_FINISH: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos_token": "stop",
    "eos": "stop",
    "complete": "stop",
    "completed": "stop",
    "done": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "incomplete": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "spii": "content_filter",
    "refusal": "content_filter",
    "blockreason": "content_filter",
    "message_replace": "content_filter",
}

_DIGITS = re.compile(r"[0-9]{1,12}")


def finish_reason(raw: str | None, *, called_tools: bool = False) -> FinishReason:
    """OpenAI's word for an upstream's; an unknown one is `stop`, and a plain stop after tool calls `tool_calls`."""
    reason = _FINISH.get((raw or "stop").lower().replace("-", "_"), "stop")
    return "tool_calls" if called_tools and reason == "stop" else reason


def count(value: Json) -> int | None:
    """A token count, also from a numeric string; None for what cannot be one (null, negative, NaN, text)."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return int(value)


def usage(prompt: Json, completion: Json, *, cached: Json = None, reasoning: Json = None) -> Usage | None:
    """Measured usage, or None where a count is missing or the upstream fills in zeros it does not mean."""
    prompt_tokens, completion_tokens = count(prompt), count(completion)
    if prompt_tokens is None or completion_tokens is None or not (prompt_tokens or completion_tokens):
        return None
    return Usage(prompt_tokens, completion_tokens, count(cached) or None, count(reasoning) or None)


def new_call_id() -> str:
    """An id for a tool call, in OpenAI's form."""
    return "call_" + secrets.token_hex(12)
