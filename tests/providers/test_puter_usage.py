"""The token counts of all of Puter's providers, in OpenAI's sense."""

from typing import Any

import pytest

from core.chat.events import Usage
from core.providers.puter.models import Vendor
from core.providers.puter.usage import decode_usage

_ANTHROPIC = {"input_tokens": 10, "output_tokens": 7, "ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2}
_OPENAI = {"prompt_tokens": 16, "completion_tokens": 7, "cached_tokens": 5}


@pytest.mark.parametrize(
    ("provider", "model", "counts", "usage"),
    [
        ("openai-completion", "gpt-4o", _OPENAI, Usage(21, 7, 5)),
        ("openai-responses", "gpt-5-pro", _OPENAI, Usage(21, 7, 5)),
        ("azure-openai", "gpt-4o", _OPENAI, Usage(21, 7, 5)),
        ("azure-openai", "grok-4", _OPENAI, Usage(16, 7, 5)),
        ("meta", "muse", _OPENAI, Usage(21, 7, 5)),
        ("gemini", "gemini-3", {**_OPENAI, "thinking_tokens": 4, "grounding_requests": 0}, Usage(21, 11, 5, 4)),
        ("claude", "claude-x", {**_ANTHROPIC, "cache_read_input_tokens": 5, "thinking_tokens": 4}, Usage(20, 7, 5, 4)),
        ("openrouter", "m", {"prompt": 16, "completion": 7, "input_cache_read": 5, "request": 1}, Usage(21, 7, 5)),
        ("ollama", "m", {"prompt": 16, "completion": 7, "input_cache_read": 0}, Usage(16, 7)),
        ("deepseek", "m", _OPENAI, Usage(16, 7, 5)),
        ("", "m", _OPENAI, Usage(16, 7, 5)),
        ("", "m", {**_OPENAI, "cached_tokens": 90}, Usage(106, 7, 90)),
        ("", "m", {**_OPENAI, "cached_tokens": None}, Usage(16, 7)),
        ("", "m", {"prompt_tokens": "16", "completion_tokens": "7"}, Usage(16, 7)),
        ("", "m", {"prompt_tokens": 16}, None),
        ("claude", "m", {"input_tokens": None, "output_tokens": 7}, None),
        ("", "m", {"input_tokens": 0, "output_tokens": 0, "usd_cents": None}, None),
        ("", "m", [{"type": "prompt", "amount": 3}], None),
    ],
)
def test_counts_are_made_openais(provider: str, model: str, counts: Any, usage: Usage | None) -> None:
    assert decode_usage(counts, Vendor(provider, model)) == usage
