"""OpenAI's dialect: what we ask, and what services make of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat.completion import Collector, Completion
from core.chat.errors import UpstreamBadResponse, UpstreamError, UpstreamTruncated
from core.chat.events import Usage
from core.chat.requests import (
    BuiltinTool,
    ChatRequest,
    FunctionTool,
    Image,
    Message,
    NamedTool,
    OtherPart,
    Text,
    ToolCall,
)
from core.dialects.openai import Decoder, encode
from core.wire.sse import SSEFraming
from tests.support.recordings import replay, sse

HELLO = (Message("user", "hi"),)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **fields}


def answer(*events: Any) -> Completion:
    return replay([sse(*events)], SSEFraming(), Decoder())


def test_parameters_pass_as_they_are_and_usage_is_asked_only_where_it_is_seen() -> None:
    streamed = encode(ChatRequest("m", HELLO, stream=True, parameters={"temperature": 0, "x_vendor": [1]}))
    assert streamed == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0,
        "x_vendor": [1],
        "stream": True,
    }
    assert encode(ChatRequest("m", HELLO))["stream_options"] == {"include_usage": True}
    assert encode(ChatRequest("m", HELLO, stream=True, include_usage=True))["stream_options"] == {"include_usage": True}


def test_history_keeps_its_form() -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", (Text("look", {"cache_control": {"type": "ephemeral"}}), Image("https://x/y.png", "low"))),
        Message("user", (OtherPart("input_audio", {"type": "input_audio", "input_audio": {"data": "AA"}}),)),
        Message("assistant", None, (ToolCall("c1", "f", '{"a":1}'),)),
        Message("tool", "42", tool_call_id="c1", extra={"name": "f"}),
    )
    assert encode(ChatRequest("m", messages))["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            ],
        },
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA"}}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "content": "42", "tool_call_id": "c1", "name": "f"},
    ]


def test_tools_and_their_choice() -> None:
    tools = (FunctionTool("f", "does", {"type": "object"}, strict=True), BuiltinTool({"type": "web_search"}))
    body = encode(ChatRequest("m", HELLO, tools=tools, tool_choice=NamedTool("f")))
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "does", "parameters": {"type": "object"}, "strict": True},
        },
        {"type": "web_search"},
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert encode(ChatRequest("m", HELLO, tool_choice="none"))["tool_choice"] == "none"


def test_text_reasoning_refusal_and_images_stay_apart() -> None:
    done = answer(
        chunk({"role": "assistant", "content": "", "reasoning_content": "hm"}),
        chunk({"reasoning": "m."}),
        chunk({"content": "A"}),
        chunk({"content": "B", "refusal": "no"}),
        chunk({"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}),
        chunk(finish="stop"),
        b"[DONE]",
    )
    assert (done.text, done.reasoning, done.refusal) == ("AB", "hmm.", "no")
    assert done.images == ["data:image/png;base64,AA"]


def test_content_as_parts() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}, {"type": "text", "text": "A"}]
    done = answer(chunk({"content": parts}), chunk(finish="stop"))
    assert (done.text, done.reasoning) == ("A", "why")


def test_a_character_cut_into_two_deltas_arrives_whole() -> None:
    halves = [b'{"choices":[{"delta":{"content":"\\ud83d"}}]}', b'{"choices":[{"delta":{"content":"\\ude00"}}]}']
    assert answer(*halves, chunk(finish="stop")).text == "😀"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("stop", "stop"), ("eos", "stop"), ("end_turn", "stop"), ("max_tokens", "length"), ("STOP", "stop"),
     ("content-filter", "content_filter"), ("never heard of", "stop")],
)  # fmt: skip
def test_foreign_finish_reasons_are_put_into_openais_words(raw: str, reason: str) -> None:
    finish = answer(chunk({"content": "A"}), chunk(finish=raw)).finish
    assert finish is not None
    assert (finish.reason, finish.raw) == (reason, raw)


def test_an_empty_finish_reason_is_none() -> None:
    with pytest.raises(UpstreamTruncated):
        answer(chunk({"content": "A"}, finish=""))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4)),
        ({"prompt_tokens": "3", "completion_tokens": "4"}, Usage(3, 4)),
        ({"prompt_tokens": -3, "completion_tokens": 4}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 3}, None),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(9, 4, 5, 2),
        ),
    ],
)
def test_usage_is_believed_only_where_it_makes_sense(usage: dict[str, Any], expected: Usage | None) -> None:
    finish = answer(chunk({"content": "A"}), chunk(finish="stop"), {"choices": [], "usage": usage}, b"[DONE]").finish
    assert finish is not None
    assert finish.usage == expected


def test_usage_in_every_chunk_counts_once() -> None:
    each = {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    last = {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    finish = answer(chunk({"content": "A"}, **each), chunk(finish="stop", **last)).finish
    assert finish is not None
    assert finish.usage == Usage(3, 2)


def test_double_finish_and_what_follows_done_are_one_end() -> None:
    done = answer(
        chunk({"content": "A"}),
        chunk(finish="stop"),
        chunk(finish="stop"),
        b"[DONE]",
        chunk({"content": "B"}),
        b"[DONE]",
    )
    assert done.text == "A"


def test_done_is_an_end_even_without_a_reason() -> None:
    finish = answer(chunk({"content": "A"}), b"[DONE]").finish
    assert finish is not None
    assert (finish.reason, finish.raw) == ("stop", None)


@pytest.mark.parametrize("events", [[b"[DONE]"], [chunk({"role": "assistant", "content": ""})], []])
def test_nothing_is_no_answer(events: list[Any]) -> None:
    with pytest.raises(UpstreamError) as caught:
        answer(*events)
    assert caught.value.code == "upstream_empty"


def test_one_malformed_event_is_skipped_three_in_a_row_are_not() -> None:
    assert (
        answer(chunk({"content": "A"}), b"{oops", b"{oops", chunk({"content": "B"}), chunk(finish="stop")).text == "AB"
    )
    with pytest.raises(UpstreamBadResponse):
        answer(chunk({"content": "A"}), b"{oops", b"{oops", b"{oops")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ({"error": {"message": "boom", "type": "server_error"}}, 502, "upstream_stream_error"),
        ({"error": {"message": "slow down", "type": "rate_limit_error"}}, 429, "rate_limited"),
        ({"error": {"message": "busy", "code": 503}}, 503, "upstream_http_503"),
        ({"object": "error", "message": "vllm says no", "code": 400}, 400, "upstream_rejected_request"),
        ({"error": "CUDA out of memory", "error_type": "generation"}, 502, "upstream_stream_error"),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, 429, "insufficient_quota"),
    ],
)
def test_an_error_in_the_stream_is_raised_with_its_own_status(error: Any, status: int, code: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        answer(chunk({"content": "A"}), error)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_only_the_first_choice_is_read() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "B"}, "finish_reason": "length"}]}
    done = answer(chunk({"content": "A"}), other, chunk(finish="stop"))
    assert done.text == "A"
    assert done.finish is not None
    assert done.finish.reason == "stop"


def whole(body: Any) -> Completion:
    collector = Collector()
    for event in Decoder().decode_whole(body):
        collector.add(event)
    return collector.completion()


def test_a_whole_answer() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    message = {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [call]}
    done = whole({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    assert done.reasoning == "hm"
    assert done.tool_calls == [ToolCall("c1", "f", '{"a":1}')]
    assert done.finish is not None
    assert done.finish.reason == "tool_calls"


@pytest.mark.parametrize(
    ("body", "error"),
    [({}, UpstreamBadResponse), ([], UpstreamBadResponse), ({"choices": []}, UpstreamBadResponse),
     ({"error": {"message": "no"}}, UpstreamError), ({"detail": "no"}, UpstreamError)],
)  # fmt: skip
def test_json_that_is_no_answer_is_an_error(body: Any, error: type[UpstreamError]) -> None:
    with pytest.raises(error):
        whole(json.loads(json.dumps(body)))
