"""The voices of the toy upstream, as they sound on the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.providers.demo.replies import words
from core.providers.demo.server import ToyUpstream
from tests.support.rawhttp import Heard, send

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"properties": {"city": {}}}}}
CLOCK = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"properties": {"zone": {"enum": ["UTC"]}}}},
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    upstream = ToyUpstream(pace=0.001)
    yield await upstream.url()
    await upstream.aclose()


async def chat(url: str, model: str, content: Any = "Hello, dear world!", **more: Any) -> Heard:
    return await send(f"{url}/chat/completions", {"model": model, "messages": [user(content)], **more})


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def deltas(heard: Heard, key: str = "content") -> list[str]:
    choices = [choice for event in heard.events[:-1] for choice in event["choices"]]
    return [choice["delta"][key] for choice in choices if choice["delta"].get(key)]


def finishes(heard: Heard) -> list[str]:
    choices = [choice for event in heard.events[:-1] for choice in event["choices"]]
    return [choice["finish_reason"] for choice in choices if choice["finish_reason"]]


async def test_echo_streams_the_last_user_message_word_by_word(url: str) -> None:
    heard = await chat(url, "echo", stream=True)
    assert heard.status == 200
    assert heard.headers["content-type"].startswith("text/event-stream")
    assert deltas(heard) == ["Hello,", " dear", " world!"]
    assert heard.events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert finishes(heard) == ["stop"]
    assert heard.events[-1] == "[DONE]"
    assert heard.chunks[-1] == b""


async def test_echo_answers_whole_with_usage(url: str) -> None:
    heard = await chat(url, "echo")
    choice = heard.json["choices"][0]
    assert heard.json["object"] == "chat.completion"
    assert choice["message"] == {"role": "assistant", "content": "Hello, dear world!"}
    assert choice["finish_reason"] == "stop"
    assert (heard.json["usage"]["prompt_tokens"], heard.json["usage"]["completion_tokens"]) == (3, 3)


async def test_a_stream_has_usage_only_on_request(url: str) -> None:
    without = await chat(url, "echo", stream=True)
    with_usage = await chat(url, "echo", stream=True, stream_options={"include_usage": True})
    assert not any("usage" in event for event in without.events[:-1])
    assert with_usage.events[-2]["choices"] == []
    assert with_usage.events[-2]["usage"]["total_tokens"] == 6


@pytest.mark.parametrize(
    ("limits", "text", "finish"),
    [
        ({"max_tokens": 2}, "Hello, dear", "length"),
        ({"max_completion_tokens": 1, "max_tokens": 2}, "Hello,", "length"),
        ({"max_tokens": 3}, "Hello, dear world!", "stop"),
        ({"stop": " world"}, "Hello, dear", "stop"),
        ({"stop": ["world", "dear", "no"]}, "Hello, ", "stop"),
        ({"n": 3}, "Hello, dear world!", "stop"),
    ],
)
async def test_echo_keeps_the_limits(url: str, limits: dict[str, Any], text: str, finish: str) -> None:
    whole = (await chat(url, "echo", **limits)).json["choices"]
    assert [choice["message"]["content"] for choice in whole] == [text]
    streamed = await chat(url, "echo", stream=True, **limits)
    assert ("".join(deltas(streamed)), finishes(streamed)) == (text, [finish])


async def test_echo_names_the_parts_it_cannot_repeat(url: str) -> None:
    parts = [{"type": "text", "text": "Look:"}, {"type": "image_url"}, {"type": "input_audio"}, {"type": "poem"}]
    assert "".join(deltas(await chat(url, "echo", parts, stream=True))) == "Look: [image] [audio] [part]"


async def test_echo_says_so_where_nobody_spoke(url: str) -> None:
    heard = await send(f"{url}/chat/completions", {"model": "echo", "messages": []})
    assert "no user message" in heard.json["choices"][0]["message"]["content"]


async def test_story_is_told_in_the_language_of_the_question(url: str) -> None:
    english, chinese = await chat(url, "story", "A story, please"), await chat(url, "story", "讲个故事", stream=True)
    assert english.json["choices"][0]["message"]["content"].startswith("The Ferryman's Bell")
    told = deltas(chinese)
    assert "".join(told).startswith("渡口的铃")
    assert len(told) > 200
    assert finishes(chinese) == ["stop"]


async def test_reasoning_thinks_before_it_speaks(url: str) -> None:
    heard = await chat(url, "reasoning", "Why?", stream=True, stream_options={"include_usage": True})
    kinds = [key for event in heard.events[1:-3] for key in event["choices"][0]["delta"]]
    assert kinds == sorted(kinds, reverse=True)
    assert set(kinds) == {"reasoning_content", "content"}
    assert "".join(deltas(heard)) == "After some thought: Why?"
    thought = heard.events[-2]["usage"]["completion_tokens_details"]["reasoning_tokens"]
    assert thought == len(deltas(heard, "reasoning_content"))


async def test_tools_streams_a_call_in_fragments(url: str) -> None:
    heard = await chat(url, "tools", "The weather?", tools=[WEATHER, CLOCK], stream=True)
    first, *rest = [call for fragment in deltas(heard, "tool_calls") for call in fragment]
    assert (first["function"]["name"], first["index"], first["id"][:5]) == ("get_weather", 0, "call_")
    assert len(rest) > 1
    assert json.loads("".join(fragment["function"]["arguments"] for fragment in rest)) == {"city": "Paris"}
    assert finishes(heard) == ["tool_calls"]


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        ("The weather?", {}, ["get_weather"]),
        ("Both, please", {}, ["get_weather", "get_time"]),
        ("In parallel", {"parallel_tool_calls": False}, ["get_weather"]),
        ("In parallel", {"tools": [CLOCK]}, ["get_time", "get_time"]),
        ("Any", {"tool_choice": "required"}, ["get_weather"]),
        ("Both", {"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, ["get_time"]),
        ("The weather?", {"tool_choice": "none"}, []),
        ("The weather?", {"tools": []}, []),
    ],
)
async def test_tools_calls_what_it_should(url: str, text: str, choice: dict[str, Any], called: list[str]) -> None:
    answer = (await chat(url, "tools", text, **{"tools": [WEATHER, CLOCK], **choice})).json["choices"][0]
    calls = answer["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == called
    assert len({call["id"] for call in calls}) == len(called)
    assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in calls)
    assert answer["finish_reason"] == ("tool_calls" if called else "stop")
    assert bool(answer["message"]["content"]) is not bool(called)


async def test_tools_answers_in_text_once_the_tools_have(url: str) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        user("The weather?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_2", "content": "noon"},
    ]
    heard = await send(f"{url}/chat/completions", {"model": "tools", "messages": messages, "tools": [WEATHER]})
    assert heard.json["choices"][0]["message"]["content"] == "The tools answered: sunny; noon"


@given(st.text())
def test_words_lose_nothing(text: str) -> None:
    assert "".join(words(text)) == text


def test_an_ideograph_is_a_word() -> None:
    assert words("go to 北京。 Now\n") == ["go", " to", " 北", "京", "。", " Now", "\n"]
