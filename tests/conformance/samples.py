"""Words that are hard on encoders, and requests that use all there is."""

from __future__ import annotations

from typing import Any

UNICODE = (
    "👩\u200d👩\u200d👧\u200d👦 \u200fעברית\u200e 𝒜𝓈𝓉𝓇𝒶𝓁 \"quotes\" 'and' \\slashes\\ \n\nlines\tand\ttabs, "
    "中文 é e\u0301 \u2028 \x7f data: [DONE] %d %s"
)

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
TIME: dict[str, Any] = {**WEATHER, "function": {**WEATHER["function"], "name": "get_time"}}
TOOLS = [WEATHER, TIME]

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5"
    "ErkJggg=="
)

EVERY_PARAMETER: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "frequency_penalty": 0.5,
    "function_call": "none",
    "functions": [{"name": "old", "parameters": {"type": "object", "properties": {}}}],
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 500,
    "max_tokens": 500,
    "metadata": {"purpose": "test"},
    "modalities": ["text"],
    "moderation": None,
    "n": 1,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "hello"},
    "presence_penalty": -0.5,
    "prompt_cache_key": "cache",
    "prompt_cache_options": None,
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "text"},
    "safety_identifier": "someone",
    "seed": 42,
    "service_tier": "auto",
    "stop": ["STOP"],
    "store": False,
    "stream": False,
    "stream_options": None,
    "temperature": 0.3,
    "tool_choice": "auto",
    "tools": TOOLS,
    "top_logprobs": 2,
    "top_p": 0.9,
    "user": "someone",
    "verbosity": "low",
    "web_search_options": {"search_context_size": "low"},
}
