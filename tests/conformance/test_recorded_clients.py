"""Requests as each client really sends them, with their sources, in `clients/`: all are answered in a form it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.gateways import Connected
from tests.conformance.kinds import KINDS, Kind, everywhere
from tests.conformance.named_sse import kinds, named_events
from tests.conformance.samples import PIXEL
from tests.conformance.schema import check
from tests.conformance.sse import chunks, content, finishes
from tests.docs.clients import clients
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY
from tests.support.loops import PATIENCE

RECORDINGS = [
    json.loads(file.read_text("utf-8")) for file in sorted((Path(__file__).parent / "clients").glob("*.json"))
]
REQUESTS = [
    pytest.param(made, id=f"{recording['client']} {place}: {made['is']}")
    for recording in RECORDINGS
    for place, made in enumerate(recording["requests"], 1)
]

Made = dict[str, Any]
Check = Callable[[httpx.Response, Made], None]
Answer = tuple[str, list[str]]
"""The text, and the names of the tools that are called."""


def test_every_client_that_the_documents_know_is_recorded_as_they_set_it_up() -> None:
    settings = {client["name"]: str(client.get("fields", "")) + client.get("code", "") for client in clients()}

    assert {recording["client"] for recording in RECORDINGS} == settings.keys()
    for recording in RECORDINGS:
        asked = {made["url"].partition("/")[0] for made in recording["requests"]}
        given = {place for place in ("{base}", "{root}") if place in settings[recording["client"]]}
        assert asked == given, recording["client"]
        assert all(source.startswith("https://") for source in recording["source"])
        assert recording["how"]


@everywhere
@pytest.mark.parametrize("made", REQUESTS)
def test_a_request_is_answered(gateway: Connected, upstream: ChatUpstream, upstream_kind: Kind, made: Made) -> None:
    if "pictures" in made and upstream_kind is KINDS["flowgpt"]:
        assert send(gateway, made).json()["error"]["code"] == "unsupported_content"
        return

    answer = send(gateway, made)

    assert answer.status_code == (204 if made["is"] == "preflight" else 200), answer.text
    if "origin" in made["headers"]:
        assert answer.headers["access-control-allow-origin"] in {"*", made["headers"]["origin"]}
    CHECKS[made["is"]](answer, made)
    for turn in upstream.turns:
        heard = "\n".join(said.text for said in turn.conversation)
        assert [told for told in made.get("hears", ()) if told not in heard] == []
        assert [*turn.pictures] == [PIXEL] * made.get("pictures", 0)


def send(gateway: Connected, made: Made) -> httpx.Response:
    """The answer to a recorded request, made of this gateway."""
    model = "tools" if "calls" in made else "echo"
    here = {"root": gateway.url, "base": f"{gateway.url}/v1", "key": KEY, "model": model, "picture": PIXEL}
    filled = json.dumps(made)
    for name, value in here.items():
        filled = filled.replace(f"{{{name}}}", value)
    made = json.loads(filled)
    body = json.dumps(made["body"], ensure_ascii=False).encode() if "body" in made else None
    with httpx.Client(timeout=PATIENCE, trust_env=False) as http:
        return http.request(made["method"], made["url"], headers=made["headers"], content=body)


def check_preflight(answer: httpx.Response, made: Made) -> None:
    asked = made["headers"]["access-control-request-headers"]
    assert answer.headers["access-control-allow-headers"] == asked
    assert "POST" in answer.headers["access-control-allow-methods"]


def check_models(answer: httpx.Response, _: Made) -> None:
    check(answer.json(), "ListModelsResponse")
    assert "echo" in [model["id"] for model in answer.json()["data"]]


def check_head(answer: httpx.Response, _: Made) -> None:
    assert answer.content == b""


def check_count(answer: httpx.Response, _: Made) -> None:
    assert answer.json()["input_tokens"] > 10


def chat(answer: httpx.Response, _: Made) -> Answer:
    check(answer.json(), "CreateChatCompletionResponse")
    message = answer.json()["choices"][0]["message"]
    return message["content"] or "", [call["function"]["name"] for call in message.get("tool_calls", ())]


def chat_stream(answer: httpx.Response, made: Made) -> Answer:
    """To the letter: a role first, content in each delta, one end, and usage only where it was asked for."""
    found = chunks(answer.content)
    if (made["body"].get("stream_options") or {}).get("include_usage"):
        *found, usage = found
        assert (usage["choices"], usage["usage"]["total_tokens"] > 0) == ([], True)
        assert all(chunk["usage"] is None for chunk in found)
    else:
        assert all("usage" not in chunk for chunk in found)
    first, *middle, last = [chunk["choices"][0] for chunk in found]
    assert first["delta"] == {"role": "assistant", "content": ""}
    assert all("content" in choice["delta"] and choice["finish_reason"] is None for choice in (first, *middle))
    assert last["delta"] == {}
    calls = [call for choice in middle for call in choice["delta"].get("tool_calls", ()) if "id" in call]
    assert finishes(found) == [(0, "tool_calls" if calls else "stop")]
    return content(found), [call["function"]["name"] for call in calls]


def responses(answer: httpx.Response, _: Made) -> Answer:
    check(answer.json(), "Response")
    return of_items(answer.json()["output"])


def responses_stream(answer: httpx.Response, _: Made) -> Answer:
    events = named_events(answer.text)
    for event in events:
        check(event, "ResponseStreamEvent")
    assert kinds(events)[:2] == ["response.created", "response.in_progress"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == "response.completed"
    return of_items(events[-1]["response"]["output"])


def of_items(output: list[dict[str, Any]]) -> Answer:
    text = "".join(part["text"] for item in output for part in item.get("content", ()))
    return text, [item["name"] for item in output if item["type"] in {"function_call", "custom_tool_call"}]


def messages(answer: httpx.Response, _: Made) -> Answer:
    return of_blocks(answer.json()["content"])


def messages_stream(answer: httpx.Response, _: Made) -> Answer:
    events = named_events(answer.text)
    found = kinds(events)
    assert found[:3] == ["message_start", "ping", "content_block_start"]
    assert found[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    blocks = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    text, calls = of_blocks(blocks)
    return text + "".join(delta.get("text", "") for delta in deltas), calls


def of_blocks(blocks: list[dict[str, Any]]) -> Answer:
    text = "".join(block.get("text", "") for block in blocks)
    return text, [block["name"] for block in blocks if block["type"] == "tool_use"]


def saying(read: Callable[[httpx.Response, Made], Answer]) -> Check:
    """The answer says, or calls, what the recording tells of it."""

    def check_answer(answer: httpx.Response, made: Made) -> None:
        text, calls = read(answer, made)
        assert calls == made.get("calls", [])
        assert text.startswith(made["begins"]) if "begins" in made else text == made.get("says", "")

    return check_answer


CHECKS: Mapping[str, Check] = {
    "preflight": check_preflight,
    "models": check_models,
    "head": check_head,
    "count": check_count,
    "chat": saying(chat),
    "chat stream": saying(chat_stream),
    "responses": saying(responses),
    "responses stream": saying(responses_stream),
    "messages": saying(messages),
    "messages stream": saying(messages_stream),
}
