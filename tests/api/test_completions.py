"""Text completions: prompts into chats, chats into texts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.api.completions import TextRenderer, parse
from core.chat.completion import Completion
from core.chat.errors import InvalidRequest, RateLimited
from core.chat.events import Finish, Notice, ReasoningDelta, TextDelta, ToolCallStart, Usage
from core.chat.requests import Message

STOP = Finish("stop", usage=Usage(2, 3))


def told(data: bytes) -> list[Any]:
    return [json.loads(block.removeprefix("data: ")) for block in data.decode().removesuffix("\n\n").split("\n\n")]


def test_each_prompt_has_its_choices_in_order() -> None:
    chats, common = parse({"model": "m", "prompt": ["a", "b"], "n": 2, "suffix": "x", "echo": True, "temperature": 1})

    assert [chat.messages for chat in chats] == [(Message("user", text),) for text in ("a", "a", "b", "b")]
    assert chats[0].parameters == {"temperature": 1}
    assert common.ignored == ("suffix", "echo")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [["a"]]}, "prompt"),
        ({"prompt": ["a"] * 17}, "prompt"),
        ({"prompt": ["a"] * 9, "n": 2}, "prompt"),
        ({"prompt": "a", "n": 9}, "n"),
    ],
)
def test_a_wrong_prompt_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({"model": "m", **body})

    assert refused.value.param == param


def test_a_stream_has_texts_and_one_end_for_each_choice() -> None:
    renderer = TextRenderer("m", include_usage=False)
    chunks = told(
        renderer.batch(0, [ReasoningDelta("hm"), Notice("x"), TextDelta("é"), STOP]) + renderer.batch(1, [STOP])
    )

    assert {(chunk["object"], chunk["model"], chunk["id"]) for chunk in chunks} == {
        ("text_completion", "m", chunks[0]["id"])
    }
    assert [chunk["choices"] for chunk in chunks] == [
        [{"index": 0, "text": "é", "logprobs": None, "finish_reason": None}],
        [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}],
        [{"index": 1, "text": "", "logprobs": None, "finish_reason": "stop"}],
    ]
    assert all("usage" not in chunk for chunk in chunks)
    assert renderer.end() == b"data: [DONE]\n\n"


def test_usage_comes_last_where_it_was_asked_for() -> None:
    renderer = TextRenderer("m", include_usage=True)
    chunks = told(renderer.batch(0, [TextDelta("a"), STOP]))
    usage, done = renderer.end().decode().removesuffix("\n\n").split("\n\n")

    assert [chunk["usage"] for chunk in chunks] == [None, None]
    assert json.loads(usage.removeprefix("data: "))["usage"]["total_tokens"] == 5
    assert done == "data: [DONE]"


def test_a_tool_call_nobody_asked_for_is_a_stop() -> None:
    renderer = TextRenderer("m", include_usage=False)

    assert (
        told(renderer.batch(0, [ToolCallStart("c", "f"), Finish("tool_calls")]))[0]["choices"][0]["finish_reason"]
        == "stop"
    )


def test_a_whole_completion_sums_its_usage() -> None:
    whole = TextRenderer("m", include_usage=False).whole([Completion("a", finish=STOP), Completion("", finish=STOP)])

    assert [(choice["index"], choice["text"]) for choice in whole["choices"]] == [(0, "a"), (1, "")]
    assert whole["usage"] == {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10}


def test_an_error_is_an_event_of_its_own() -> None:
    (event,) = told(TextRenderer("m", include_usage=False).error(RateLimited("later")))

    assert event == {"error": {"message": "later", "type": "rate_limit_error", "param": None, "code": "rate_limited"}}
