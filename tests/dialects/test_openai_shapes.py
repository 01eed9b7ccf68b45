"""JSON of any shape where a chunk or a completion should be: events that mean something, or an `UpstreamError`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.chat.errors import UpstreamError
from core.chat.events import Finish, ImageOutput, StreamEvent, ToolCallDelta, ToolCallStart
from core.dialects.openai import Decoder
from core.wire.frames import Frame

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["", "x", "7"])
NAMES = st.sampled_from(
    ["choices", "delta", "message", "content", "text", "thinking", "refusal", "reasoning", "tool_calls", "index", "id",
     "function", "name", "arguments", "function_call", "images", "image_url", "url", "finish_reason", "usage",
     "prompt_tokens", "completion_tokens", "prompt_tokens_details", "error"]
)  # fmt: skip
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4))
DELTA = st.dictionaries(NAMES, ANYTHING, max_size=4)
CALLS = st.lists(st.fixed_dictionaries({}, optional={"index": SCALARS, "id": SCALARS, "function": DELTA}), max_size=2)
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(st.fixed_dictionaries({"delta": DELTA | st.fixed_dictionaries({"tool_calls": CALLS})}))}
)


def texts(event: StreamEvent) -> list[Any]:
    match event:
        case ToolCallStart(call_id, name):
            return [call_id, name]
        case ToolCallDelta(call_id, arguments):
            return [call_id, arguments]
        case ImageOutput(url):
            return [url]
        case Finish(reason, raw, _):
            return [reason, raw or ""]
        case _:
            return [event.text]


def check(events: Iterable[StreamEvent]) -> None:
    """Whoever renders them relies on it."""
    for event in events:
        assert all(isinstance(text, str) for text in texts(event)), event


@settings(max_examples=300, deadline=None)
@given(st.lists(ANYTHING | CHUNK, max_size=4))
@example([{"choices": 5}, {"choices": [5]}, {"choices": [{"delta": 5}]}])
@example([{"choices": [{"delta": {"refusal": 5, "images": [{}]}}]}])
@example([{"choices": [{"delta": {"tool_calls": [{"index": float("inf"), "id": "c", "function": {}}]}}]}])
@example([{"choices": [{"delta": {"tool_calls": [{"function": {"name": 5, "arguments": 5}, "id": 5}]}}]}])
def test_chunks_of_any_shape(chunks: list[Any]) -> None:
    decoder = Decoder()
    with suppress(UpstreamError):
        for chunk in [*map(json.dumps, chunks), "[DONE]"]:
            check(decoder.decode(Frame(chunk)))


@settings(max_examples=300, deadline=None)
@given(ANYTHING | st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": DELTA}), min_size=1)}))
@example({"choices": [{"message": {"content": "x"}, "finish_reason": 5}]})
def test_completions_of_any_shape(answer: Any) -> None:
    with suppress(UpstreamError):
        check(Decoder().decode_whole(answer))
