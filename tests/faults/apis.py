"""Every API that is built: how to ask for the same things, and what an answer in its form comes to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.kinds import CALL
from tests.support.caller import CHAT, COMPLETIONS, Said

SCHEMA = {"type": "object", "properties": {name: {"type": "string"} for name in CALL}}
FUNCTION = {"name": "get", "parameters": SCHEMA}


@dataclass
class Outcome:
    """What an answer comes to. `end` is the word for a lawful end, `error` what was said instead of it."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    end: str = ""
    error: str = ""


@dataclass(frozen=True)
class Api:
    """`ends` are its words for the end of a text and of one that calls tools; `calls` None where it knows no tools."""

    path: str
    question: Mapping[str, Any]
    tools: Mapping[str, Any] | None
    ends: tuple[str, str]
    read: Callable[[Said], Outcome]
    shows_reasoning: bool = True

    def body(self, model: str, *, stream: bool, tools: bool) -> dict[str, Any]:
        return {"model": model, "stream": stream, **self.question, **((self.tools or {}) if tools else {})}


def read_chat(said: Said) -> Outcome:
    calls = [(name, json.loads(arguments)) for _, name, arguments in said.calls]
    assert not said.is_stream or said.is_done == (said.error is None)
    [end] = said.finishes or [""]
    return Outcome(said.text, said.all_of("reasoning_content"), calls, end, (said.error or {}).get("message", ""))


def events_of(said: Said) -> list[dict[str, Any]]:
    """Events that carry their name twice."""
    blocks = [block.split("\n") for block in said.content.decode().split("\n\n") if block.startswith("event: ")]
    events = [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]
    assert all(name == event["type"] for name, event in events)
    return [event for _, event in events]


def read_responses(said: Said) -> Outcome:
    events = events_of(said) if said.is_stream else []
    final = events[-1]["response"] if events else said.json
    if "status" not in final:
        return Outcome(error=final["error"]["message"])
    spoken = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    outcome = Outcome(spoken, end=final["status"], error=(final["error"] or {}).get("message", ""))
    if outcome.error:
        assert (events[-1]["type"], outcome.end) == ("response.failed", "failed")
        outcome.end = ""
    for item in final["output"]:
        if item["type"] == "message":
            outcome.text = "".join(part["text"] for part in item["content"])
        elif item["type"] == "reasoning":
            outcome.reasoning = "".join(part["text"] for part in item["summary"])
        else:
            outcome.calls.append((item["name"], json.loads(item["arguments"])))
    return outcome


def read_messages(said: Said) -> Outcome:
    if not said.is_stream:
        return (
            message(said.json["content"], said.json["stop_reason"]) if "content" in said.json else complaint(said.json)
        )
    blocks: dict[int, dict[str, Any]] = {}
    last: dict[str, Any] = {}
    reason = ""
    for last in events_of(said):
        match last["type"]:
            case "content_block_start":
                blocks[last["index"]] = {**last["content_block"], "pieces": ""}
            case "content_block_delta":
                delta = last["delta"]
                blocks[last["index"]]["pieces"] += (
                    delta.get("text") or delta.get("thinking") or delta.get("partial_json") or ""
                )
            case "message_delta":
                reason = last["delta"]["stop_reason"]
    outcome = message([finished(block) for block in blocks.values()], reason)
    assert last["type"] in {"message_stop", "error"}
    outcome.error = complaint(last).error if last["type"] == "error" else ""
    return outcome


def finished(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "tool_use":
        return {**block, "input": json.loads(block["pieces"] or "{}")}
    return {**block, block["type"]: block["pieces"]}


def message(blocks: list[dict[str, Any]], reason: str) -> Outcome:
    outcome = Outcome(end=reason)
    for block in blocks:
        outcome.text += block.get("text", "")
        outcome.reasoning += block.get("thinking", "")
        if block["type"] == "tool_use":
            outcome.calls.append((block["name"], block["input"]))
    return outcome


def complaint(error: Mapping[str, Any]) -> Outcome:
    assert error["type"] == "error"
    return Outcome(error=error["error"]["message"])


APIS: Mapping[str, Api] = {
    "chat": Api(
        CHAT,
        {"messages": [{"role": "user", "content": "Hello"}]},
        {"tools": [{"type": "function", "function": FUNCTION}]},
        ("stop", "tool_calls"),
        read_chat,
    ),
    "completions": Api(COMPLETIONS, {"prompt": "Hello"}, None, ("stop", "stop"), read_chat, shows_reasoning=False),
    "responses": Api(
        "/v1/responses",
        {"input": "Hello"},
        {"tools": [{"type": "function", **FUNCTION}]},
        ("completed", "completed"),
        read_responses,
    ),
    "messages": Api(
        "/v1/messages",
        {
            "messages": [{"role": "user", "content": "Hello"}],
            "max_tokens": 4096,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        {"tools": [{"name": "get", "input_schema": SCHEMA}]},
        ("end_turn", "tool_use"),
        read_messages,
    ),
}
