"""Chat completions: requests parsed, answers rendered byte by byte."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from core.api.chat_completions import PROXY_DEFAULTS, ChatRenderer, parse
from core.chat.completion import Completion
from core.chat.errors import InvalidRequest, RateLimited
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
from core.chat.requests import FunctionTool, Message, NamedTool, ToolCall

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ROLE = {"role": "assistant", "content": ""}


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> ChatRenderer:
    monkeypatch.setattr("core.api.chat_completions.secrets.token_hex", lambda size: "ab" * size)
    monkeypatch.setattr("core.api.chat_completions.time.time", lambda: 1234.5)
    return ChatRenderer("m%d", include_usage=False)


def deltas(renderer: ChatRenderer, *batches: Batch, index: int = 0) -> list[Any]:
    """Delta and finish reason of every chunk of a stream."""
    body = b"".join(renderer.batch(index, batch) for batch in batches).decode()
    chunks = [json.loads(block.removeprefix("data: ")) for block in body.removesuffix("\n\n").split("\n\n")]
    choices = [chunk["choices"][0] for chunk in chunks]
    assert all(choice["index"] == index for choice in choices)
    return [(choice["delta"], choice["finish_reason"]) for choice in choices]


def test_the_bytes_of_a_stream(renderer: ChatRenderer) -> None:
    head = (
        'data: {"id":"chatcmpl-abababababababababababababab","object":"chat.completion.chunk","created":1234,'
        '"model":"m%d","choices":[{"index":0,"delta":'
    )
    body = renderer.batch(0, [TextDelta('é"\n%s')]) + renderer.batch(0, [Finish("stop")]) + renderer.end()

    assert body.decode() == (
        head
        + '{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
        + head
        + '{"content":"é\\"\\n%s"},"finish_reason":null}]}\n\n'
        + head
        + '{},"finish_reason":"stop"}]}\n\n'
        + "data: [DONE]\n\n"
    )


def test_every_kind_of_event_has_its_delta(renderer: ChatRenderer) -> None:
    batch: Batch = [
        ReasoningDelta("hm"),
        TextDelta("a"),
        RefusalDelta("no"),
        ImageOutput("https://x/y.png"),
        ToolCallStart("c1", "f"),
        ToolCallDelta("c1", "{"),
        ToolCallStart("c2", "g"),
        ToolCallDelta("c2", "}"),
        Notice("top_p"),
        TextReplacement("b"),
        Finish("tool_calls"),
    ]

    head = {"type": "function", "id": "c1", "index": 0, "function": {"name": "f", "arguments": ""}}
    assert deltas(renderer, batch) == [
        (ROLE, None),
        ({"content": "", "reasoning_content": "hm"}, None),
        ({"content": "a"}, None),
        ({"content": "", "refusal": "no"}, None),
        ({"content": "", "images": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}, None),
        ({"content": "", "tool_calls": [head]}, None),
        ({"content": "", "tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}, None),
        (
            {
                "content": "",
                "tool_calls": [{**head, "id": "c2", "index": 1, "function": {"name": "g", "arguments": ""}}],
            },
            None,
        ),
        ({"content": "", "tool_calls": [{"index": 1, "function": {"arguments": "}"}}]}, None),
        ({}, "tool_calls"),
    ]


def test_choices_count_their_calls_for_themselves(renderer: ChatRenderer) -> None:
    for index in (0, 1):
        start, first, second = deltas(renderer, [ToolCallStart("c", "f")], [ToolCallDelta("c", "{}")], index=index)
        assert start == (ROLE, None)
        assert [delta["tool_calls"][0]["index"] for delta, _ in (first, second)] == [0, 0]


def test_half_a_character_becomes_a_question_mark(renderer: ChatRenderer) -> None:
    assert deltas(renderer, [TextDelta("a\ud83cb")])[1] == ({"content": "a?b"}, None)


def test_usage_is_the_sum_of_all_choices_in_a_last_chunk() -> None:
    renderer = ChatRenderer("m", include_usage=True)
    first = renderer.batch(0, [TextDelta("a"), Finish("stop", usage=Usage(3, 4, cached_tokens=2))])
    second = renderer.batch(1, [Finish("stop", usage=Usage(3, 5, reasoning_tokens=1))])

    assert first.count(b'"usage":null') == 3
    assert second.count(b'"usage":null') == 2
    last, done, rest = renderer.end().decode().split("\n\n")
    chunk = json.loads(last.removeprefix("data: "))
    assert (chunk["choices"], done, rest) == ([], "data: [DONE]", "")
    assert chunk["usage"] == {
        "prompt_tokens": 6,
        "completion_tokens": 9,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }


def test_an_error_is_an_event_of_its_own(renderer: ChatRenderer) -> None:
    assert renderer.error(RateLimited("later", param="p")) == (
        b'data: {"error":{"message":"later","type":"rate_limit_error","param":"p","code":"rate_limited"}}\n\n'
    )


@pytest.mark.parametrize(
    ("completion", "message"),
    [
        (Completion("hi"), {"content": "hi"}),
        (Completion(""), {"content": ""}),
        (Completion("", refusal="no"), {"content": None, "refusal": "no"}),
        (Completion("hi", reasoning="hm"), {"content": "hi", "reasoning_content": "hm"}),
        (
            Completion("", images=["https://x"]),
            {"content": "", "images": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
        ),
        (
            Completion("", tool_calls=[ToolCall("c", "f", "{}")]),
            {
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
        ),
    ],
)
def test_a_whole_message(renderer: ChatRenderer, completion: Completion, message: dict[str, Any]) -> None:
    completion.finish = Finish("stop", usage=Usage(1, 2))
    whole = renderer.whole([completion])

    assert whole == {
        "id": "chatcmpl-" + "ab" * 14,
        "object": "chat.completion",
        "created": 1234,
        "model": "m%d",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "refusal": None, **message},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }


def test_a_request_is_parsed_into_one_for_each_choice() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    choice = {"type": "function", "function": {"name": "f"}}
    body = {**BODY, "n": 2, "stream": True, "stream_options": {"include_usage": True}, "temperature": 1, "x": [1]}

    chats, common = parse({**body, "tools": [tool], "tool_choice": choice, "top_p": None, "api_key": "k"})

    assert len(chats) == 2
    assert chats[0] == chats[1]
    assert (chats[0].model, chats[0].messages) == ("m", (Message("user", "hi"),))
    assert (chats[0].stream, chats[0].include_usage) == (True, True)
    assert (chats[0].tools, chats[0].tool_choice) == ((FunctionTool("f"),), NamedTool("f"))
    assert chats[0].parameters == {"temperature": 1, "x": [1]}
    assert common.ignored == ("api_key",)


def test_usage_of_a_whole_answer_is_no_stream_option() -> None:
    chats, _ = parse({**BODY, "stream_options": {"include_usage": True}})

    assert (chats[0].stream, chats[0].include_usage) == (False, False)


@pytest.mark.parametrize(("asked", "named"), [(True, ("logprobs",)), (False, ())])
def test_log_probabilities_are_not_passed_over_in_silence(asked: bool, named: tuple[str, ...]) -> None:
    chats, common = parse({**BODY, "logprobs": asked})

    assert common.ignored == named
    assert chats[0].parameters == {"logprobs": asked}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 7}, "model"),
        ({"model": "m" * 257}, "model"),
        ({"n": True}, "n"),
        ({"n": 9}, "n"),
        ({"stream": 1}, "stream"),
        ({"stream_options": "x"}, "stream_options"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": 2.01}, "temperature"),
        ({"top_p": "1"}, "top_p"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": 10**9 + 1}, "max_completion_tokens"),
        ({"stop": [None]}, "stop[0]"),
        ({"response_format": []}, "response_format"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({**BODY, **body})

    assert refused.value.param == param


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"max_tokens": 0}, "`max_tokens` must be between 1 and 1000000000."),
        ({"temperature": 3}, "`temperature` must be between 0 and 2."),
    ],
)
def test_what_a_number_may_be_is_told_in_plain_digits(body: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(message)):
        parse({**BODY, **body})


def test_the_root_has_the_defaults_of_the_workers_proxy() -> None:
    assert PROXY_DEFAULTS == {"model": "gpt-3.5-turbo", "temperature": 0.7, "max_tokens": 1000}
    (chat,), _ = parse({**PROXY_DEFAULTS, "messages": BODY["messages"]})
    assert (chat.model, chat.parameters) == ("gpt-3.5-turbo", {"temperature": 0.7, "max_tokens": 1000})
