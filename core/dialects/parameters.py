"""Which of a caller's parameters an upstream without a place for them leaves out, and which nobody would miss."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.chat.events import Notice
from core.chat.requests import ChatRequest, Json

_WITHOUT_EFFECT = frozenset(
    {
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream_options",
        "user",
        # whatever asks for more than the default here is refused before it comes to a provider
        "logprobs",
        "n",
        "parallel_tool_calls",
        "top_logprobs",
    }
)
"""Parameters that change nothing in the answer."""

_DEFAULTS: Mapping[str, Json] = {"response_format": {"type": "text"}}
"""Values that a caller gets without asking."""


def left_out(request: ChatRequest, taken: Collection[str] = ()) -> list[Notice]:
    """A notice for each parameter of `request` that would change the answer and is not among those `taken`."""
    return [
        Notice(name)
        for name, value in request.parameters.items()
        if name not in _WITHOUT_EFFECT and name not in taken and _DEFAULTS.get(name) != value
    ]
