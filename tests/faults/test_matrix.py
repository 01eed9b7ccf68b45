"""Every API that is built, with every kind of provider, streamed and whole: what passes and how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.providers.demo.faults.fault import TEXT
from tests.faults.stage import (
    DONE,
    answered,
    asked,
    delta,
    event,
    failed,
    in_turn,
    openai,
    refusal,
    refused,
    replies,
    says,
)
from tests.faults.test_d3_streams import breaks
from tests.support.caller import CHAT, COMPLETIONS, request
from tests.support.upstream import Script, Seen, Wire

KINDS_THERE_ARE = Path(__file__).parent.parent.parent / "core" / "providers"
CALL = {"city": "Paris"}
TOOLS = [
    {"type": "function", "function": {"name": "get", "parameters": {"type": "object", "properties": {"city": {}}}}}
]


@dataclass(frozen=True)
class Cannot:
    """Why a kind has no such answer."""

    reason: str


Says = tuple[bytes, ...]


@dataclass(frozen=True)
class Kind:
    """How a kind of upstream says things. `begun` is an answer that says "Hello" and is not at its end.

    A demo answers by its model's name, `models`; `first` are the exchanges before the answer.
    """

    text: Says = ()
    reasoning: Says | Cannot = ()
    call: Says | Cannot = ()
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
NO_REASONING = Cannot("the site sends text and nothing else")
NO_TOOLS = Cannot("the site takes no tools, so a request with some is refused")
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
        call=NO_TOOLS,
        begun=delta(content="Hello"),
        provider=at("edgeone"),
    ),
    "gptanon": Kind(
        text=(event({"type": "token", "token": "Hello"}), event({"type": "done"})),
        reasoning=NO_REASONING,
        call=NO_TOOLS,
        begun=event({"type": "token", "token": "Hello"}),
        provider=at("gptanon"),
    ),
    "flowgpt": Kind(
        text=(FLOWGPT_TEXT,),
        reasoning=NO_REASONING,
        call=NO_TOOLS,
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
CASES = ("text", "reasoning", "call", "failure early", "failure late")
APIS = {"chat": CHAT, "completions": COMPLETIONS}
CELLS = [(api, kind, case) for api in APIS for kind in KINDS for case in CASES]


def test_no_kind_is_forgotten():
    there_are = {path.stem for path in KINDS_THERE_ARE.iterdir() if not path.stem.startswith("_")}
    assert there_are == set(KINDS)


def script_of(kind: Kind, case: str) -> Script:
    """The upstream for one cell."""
    if kind.models:
        return replies(200)
    headers = dict(kind.headers)
    match case:
        case "failure early":
            script = refusal(500, "It broke.")
        case "failure late":
            script = breaks(kind.begun, **headers)
        case _:
            said = getattr(kind, case)
            script = says(*(kind.text if isinstance(said, Cannot) else said), pause=0.001, **headers)
    return script if kind.first is None else alternating(kind.first, script)


def alternating(first: Script, second: Script) -> Script:
    """Every other exchange is a `first`, unless that is what failed."""
    turns = in_turn(*[first, second] * 8)

    async def script(seen: Seen, wire: Wire) -> None:
        await turns(seen, wire)

    return script


@pytest.mark.parametrize(("api", "name", "case"), CELLS, ids=[" ".join(cell) for cell in CELLS])
async def test_a_cell(stage, streamed, api, name, case):
    kind = KINDS[name]
    body: dict[str, Any] = asked(stream=streamed, model=f"a/{kind.models.get(case, 'm')}")
    if api == "completions":
        del body["messages"]
        body["prompt"] = "Hello"
    elif name == "demo":
        body["messages"][0]["content"] = "Hello"
    if case == "call" and api == "chat":
        body["tools"] = TOOLS
    models = [*kind.models.values()] or ["m"]
    async with stage(script_of(kind, case), provider=kind.provider, models=models) as here:
        said = await here.send(request(here.url, body, path=APIS[api]))
        check(said, api, name, case, streamed)


def check(said, api: str, name: str, case: str, streamed: bool) -> None:
    kind = KINDS[name]
    reasoning = said.all_of("reasoning_content") if said.status == 200 else ""
    match case:
        case "failure early":
            refused(said, 502, "upstream_http_500")
        case "failure late":
            failed(said, 502, "upstream_truncated", streamed=streamed, after=text_before_a_cut(name, said, streamed))
        case "call" if api == "chat" and isinstance(kind.call, Cannot):
            refused(said, 400, "unsupported_parameter")
        case "call" if api == "chat":
            [(call_id, function, arguments)] = said.calls
            assert call_id
            assert (function, json.loads(arguments)) == ("get", CALL)
            assert said.finishes == ["tool_calls"]
        case "reasoning" if name == "demo":
            assert (said.status, said.text) == (200, "After some thought: Hello")
            assert bool(reasoning) == (api == "chat")
        case "reasoning":
            answered(said)
            expected = "" if isinstance(kind.reasoning, Cannot) or api == "completions" else "hm"
            assert reasoning == expected
        case (
            "call"
        ):  # the older API has no word for tools: without tools in the request, what a model calls has nowhere to go
            assert said.status == 200
            assert said.calls == []
        case _:
            answered(said)


def text_before_a_cut(name: str, said, streamed: bool) -> str:
    """The demo cuts its ten words somewhere in the middle."""
    if name != "demo" or not streamed:
        return "Hello"
    assert said.text
    assert TEXT.startswith(said.text)
    return str(said.text)
