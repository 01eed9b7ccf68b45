"""Token counts in OpenAI's form."""

from __future__ import annotations

from collections.abc import Sequence

from core.chat.events import Usage
from core.chat.requests import Json


def usage_object(usages: Sequence[Usage]) -> Json:
    """The sum over all choices. The prompt is counted for each, as each was paid for."""
    prompt = sum(usage.prompt_tokens for usage in usages)
    completion = sum(usage.completion_tokens for usage in usages)
    body: dict[str, Json] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if any(usage.cached_tokens is not None for usage in usages):
        body["prompt_tokens_details"] = {"cached_tokens": sum(usage.cached_tokens or 0 for usage in usages)}
    if any(usage.reasoning_tokens is not None for usage in usages):
        body["completion_tokens_details"] = {"reasoning_tokens": sum(usage.reasoning_tokens or 0 for usage in usages)}
    return body
