"""How every kind of upstream says the same few things."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.stage import DONE, delta, event, openai, replies
from tests.support.upstream import Script

CALL = {"city": "Paris"}


Says = tuple[bytes, ...]


@dataclass(frozen=True)
class InWords:
    """How a kind that takes no tools says the text in which it calls one."""

    says: Callable[[str], Says]


@dataclass(frozen=True)
class Kind:
    """How a kind of upstream says things. `begun` is an answer that says "Hello" and is not at its end.

    A demo answers by its model's name, `models`; `first` are the exchanges before the answer.
    """

    text: Says = ()
    reasoning: Says = ()
    call: Says | InWords = ()
    begun: bytes = b""
    provider: Callable[[str], Mapping[str, Any]] = openai
    models: Mapping[str, str] = field(default_factory=dict)
    first: Script | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def at(kind: str, **table: Any) -> Callable[[str], Mapping[str, Any]]:
    return lambda url: {"kind": kind, "base_url": url, **table}


def line(**value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def named(name: str, **value: Any) -> bytes:
    """An event as Anthropic names it."""
    return f"event: {name}\n".encode() + event({"type": name, **value})


def block(index: int, start: Mapping[str, Any], **piece: Any) -> bytes:
    return (
        named("content_block_start", index=index, content_block=start)
        + named("content_block_delta", index=index, delta=piece)
        + named("content_block_stop", index=index)
    )


ARGUMENTS = json.dumps(CALL)
THOUGHT_IN_TEXT = "<think>hm</think>Hello"
OPENAI_END = delta("stop") + DONE
ANTHROPIC_START = named("message_start", message={"role": "assistant", "content": [], "usage": {"input_tokens": 3}})
ANTHROPIC_TEXT = block(1, {"type": "text", "text": ""}, type="text_delta", text="Hello")


def anthropic_end(reason: str) -> bytes:
    return named("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 2}) + named("message_stop")


PUTER_TEXT = line(type="text", text="Hello")
PUTER_END = line(type="usage", usage={"prompt_tokens": 3, "completion_tokens": 2})
FLOWGPT_TEXT = line(event="text", data="Hello")

KINDS: Mapping[str, Kind] = {
    "openai": Kind(
        text=(delta(content="Hello"), OPENAI_END),
        reasoning=(delta(reasoning_content="hm"), delta(content="Hello"), OPENAI_END),
        call=(
            delta(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "get", "arguments": ARGUMENTS}}]),
            delta("tool_calls") + DONE,
        ),
        begun=delta(content="Hello"),
    ),
    "declared": Kind(
        text=(ANTHROPIC_START, ANTHROPIC_TEXT, anthropic_end("end_turn")),
        reasoning=(
            ANTHROPIC_START,
            block(0, {"type": "thinking", "thinking": ""}, type="thinking_delta", thinking="hm"),
            ANTHROPIC_TEXT,
            anthropic_end("end_turn"),
        ),
        call=(
            ANTHROPIC_START,
            block(
                0,
                {"type": "tool_use", "id": "c1", "name": "get", "input": {}},
                type="input_json_delta",
                partial_json=ARGUMENTS,
            ),
            anthropic_end("tool_use"),
        ),
        begun=ANTHROPIC_START + ANTHROPIC_TEXT,
        provider=lambda url: {
            "kind": "declared",
            "preset": "anthropic-sse",
            "url": f"{url}/v1/messages",
            "request": {"variables": {"max_tokens": 64}},
        },
    ),
    "edgeone": Kind(
        text=(delta(content="Hello"), OPENAI_END),
        reasoning=(delta(reasoning_content="hm"), delta(content="Hello"), OPENAI_END),
        call=InWords(lambda text: (delta(content=text), OPENAI_END)),
        begun=delta(content="Hello"),
        provider=at("edgeone"),
    ),
    "gptanon": Kind(
        text=(event({"type": "token", "token": "Hello"}), event({"type": "done"})),
        reasoning=(event({"type": "token", "token": THOUGHT_IN_TEXT}), event({"type": "done"})),
        call=InWords(lambda text: (event({"type": "token", "token": text}), event({"type": "done"}))),
        begun=event({"type": "token", "token": "Hello"}),
        provider=at("gptanon"),
    ),
    "flowgpt": Kind(
        text=(FLOWGPT_TEXT,),
        reasoning=(line(event="text", data=THOUGHT_IN_TEXT),),
        call=InWords(lambda text: (line(event="text", data=text),)),
        begun=FLOWGPT_TEXT,
        provider=at("flowgpt", device_id="d", prompts={"m": "p"}, strip_prefix=""),
        first=replies(200, {"id": "conversation"}),
        headers={"content_type": "application/x-ndjson"},
    ),
    "puter": Kind(
        text=(PUTER_TEXT, PUTER_END),
        reasoning=(line(type="reasoning", reasoning="hm"), PUTER_TEXT, PUTER_END),
        call=(line(type="tool_use", id="c1", name="get", input=CALL), PUTER_END),
        begun=PUTER_TEXT,
        provider=at("puter"),
        headers={"content_type": "application/x-ndjson"},
    ),
    "demo": Kind(
        provider=lambda _: {"kind": "demo", "pace": 0.001},
        models={
            "text": "echo",
            "reasoning": "reasoning",
            "call": "tools",
            "failure early": "fault-http-500",
            "failure late": "fault-cut",
        },
    ),
}
