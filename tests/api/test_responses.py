"""What the Responses form makes of events that come in an unusual order."""

from __future__ import annotations

from typing import Any

import pytest

from core.api.responses.render import ResponseRenderer
from core.chat.completion import Completion
from core.chat.errors import ChatError, RateLimited
from core.chat.events import (
    Batch,
    Finish,
    ImageOutput,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.requests import ToolCall
from tests.conformance.named_sse import named_events
from tests.conformance.schema import check
from tests.conformance.test_responses import items

BODY = {"model": "m", "input": "hello"}
PICTURE = "data:image/png;base64,iVBORw0KGgo="


def rendered(*batches: Batch) -> list[dict[str, Any]]:
    renderer = ResponseRenderer(BODY)
    return read(b"".join(renderer.batch(0, batch) for batch in batches) + renderer.end())


def read(body: bytes) -> list[dict[str, Any]]:
    events = named_events(body.decode())
    for event in events:
        check(event, "ResponseStreamEvent")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def test_text_within_a_call_is_an_item_beside_it() -> None:
    found = items(
        rendered(
            [ToolCallStart("1", "f"), ToolCallDelta("1", '{"x"')],
            [TextDelta("b"), ToolCallDelta("1", ":1}"), TextDelta("c")],
            [ToolCallStart("2", "g"), ToolCallDelta("2", "{}"), ToolCallDelta("1", " "), Finish("tool_calls")],
        )
    )

    assert [(item["type"], item.get("arguments")) for item in found] == [
        ("function_call", '{"x":1}'),
        ("message", None),
        ("function_call", "{}"),
    ]
    assert found[1]["content"][0]["text"] == "bc"


def test_each_run_of_thinking_or_words_is_an_item_and_a_refusal_a_part() -> None:
    events = rendered(
        [ReasoningDelta("a"), TextDelta("b"), RefusalDelta("c"), RefusalDelta("d"), ReasoningDelta("e")],
        [Notice("seed"), TextReplacement("never"), Finish("stop")],
    )

    first, message, second = items(events)
    assert (first["summary"][0]["text"], second["summary"][0]["text"]) == ("a", "e")
    assert [part.get("text") or part["refusal"] for part in message["content"]] == ["b", "cd"]
    parts = [event["content_index"] for event in events if event["type"] == "response.content_part.done"]
    assert parts == [0, 1]


def test_a_picture_is_an_item_where_its_bytes_are_known_and_a_link_elsewhere() -> None:
    events = rendered([TextDelta("a"), ImageOutput(PICTURE), ImageOutput("https://x.test/a.png"), Finish("stop")])
    whole = ResponseRenderer(BODY).whole(
        [Completion(text="a", images=[PICTURE, "https://x.test/a.png"], finish=Finish("stop"))]
    )

    check(whole, "Response")
    _, picture, linked = items(events)
    assert (picture["type"], picture["result"]) == ("image_generation_call", "iVBORw0KGgo=")
    assert linked["content"][0]["text"] == "![image](https://x.test/a.png)"
    assert [item["type"] for item in whole["output"]] == ["message", "image_generation_call"]
    assert whole["output"][0]["content"][0]["text"] == "a![image](https://x.test/a.png)"


def test_a_filtered_answer_is_incomplete() -> None:
    last = rendered([TextDelta("a"), Finish("content_filter")])[-1]

    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "content_filter"}


def test_usage_has_its_details() -> None:
    usage = Usage(100, 7, cached_tokens=60, reasoning_tokens=5)

    assert rendered([TextDelta("a"), Finish("stop", usage=usage)])[-1]["response"]["usage"] == {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 107,
    }


def test_a_failure_before_the_first_event_is_a_whole_stream_of_its_own() -> None:
    """The headers may be out already; the client wants to see what it was that failed."""
    events = read(ResponseRenderer(BODY).error(RateLimited("slow down")))

    assert [event["type"] for event in events] == ["response.created", "response.in_progress", "response.failed"]
    assert events[-1]["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}


def test_a_failure_keeps_what_was_whole() -> None:
    renderer = ResponseRenderer(BODY)
    told = renderer.batch(0, [ReasoningDelta("a"), TextDelta("b")]) + renderer.error(ChatError("oops"))

    assert [item["type"] for item in read(told)[-1]["response"]["output"]] == ["reasoning"]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (['{"inp', 'ut": "*** \\"Å\\""}'], '*** "Å"'),
        (["*** no JSON"], "*** no JSON"),
        (['{"other": 1}'], '{"other": 1}'),
        (['{"input": 7}'], '{"input": 7}'),
        (["[]"], "[]"),
    ],
)
def test_a_call_of_a_custom_tool_has_its_input_as_text(arguments: list[str], given: str) -> None:
    body = {**BODY, "tools": [{"type": "custom", "name": "apply_patch"}]}
    renderer = ResponseRenderer(body)
    batch = [ToolCallStart("1", "apply_patch"), *(ToolCallDelta("1", piece) for piece in arguments)]
    events = read(renderer.batch(0, [*batch, Finish("tool_calls")]) + renderer.end())
    calls = [ToolCall("1", "apply_patch", "".join(arguments))]
    whole = ResponseRenderer(body).whole([Completion(tool_calls=calls, finish=Finish("tool_calls"))])

    [call] = items(events)
    assert (call["type"], call["call_id"], call["input"]) == ("custom_tool_call", "1", given)
    assert [event["input"] for event in events if event["type"].endswith("call_input.done")] == [given]
    assert [event["delta"] for event in events if event["type"].endswith("call_input.delta")] == [given]
    check(whole, "Response")
    assert whole["output"][0]["input"] == given
