"""Puter's token counts: each of its providers has its own words for them, and its own idea of what they include."""

from __future__ import annotations

from collections.abc import Mapping

from core.chat.events import Usage
from core.chat.requests import Json
from core.dialects import terms
from core.providers.puter.models import Vendor

_CLAUDE_PROMPT = (
    "input_tokens",
    "cache_read_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
)


def decode_usage(body: Json, vendor: Vendor) -> Usage | None:
    """OpenAI's numbers from whatever `vendor` reports; None where it reports none."""
    if not isinstance(body, dict):
        return None
    if "input_tokens" in body:
        return terms.usage(
            _sum(body, *_CLAUDE_PROMPT),
            body.get("output_tokens"),
            cached=body.get("cache_read_input_tokens"),
            reasoning=body.get("thinking_tokens"),
        )
    if "prompt" in body:
        cached = body.get("input_cache_read")
        return terms.usage(_sum(body, "prompt", "input_cache_read"), body.get("completion"), cached=cached)
    return _openai(body, vendor)


def _openai(body: Mapping[str, Json], vendor: Vendor) -> Usage | None:
    prompt, cached = terms.count(body.get("prompt_tokens")), terms.count(body.get("cached_tokens")) or 0
    if prompt is not None and (vendor.counts_cached_apart or cached > prompt):
        prompt += cached
    completion, thinking = body.get("completion_tokens"), body.get("thinking_tokens")
    if thinking is not None:  # only Gemini's provider says so, and takes it out of the completion
        completion = _sum(body, "completion_tokens", "thinking_tokens")
    return terms.usage(prompt, completion, cached=cached, reasoning=thinking)


def _sum(body: Mapping[str, Json], first: str, *others: str) -> int | None:
    """The counts together; None where the first, which all others only add to, is missing."""
    start = terms.count(body.get(first))
    return None if start is None else start + sum(terms.count(body.get(name)) or 0 for name in others)
