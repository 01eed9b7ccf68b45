"""What is counted where nobody else counts."""

import pytest

from core.chat.events import (
    Finish,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.requests import ChatRequest, FunctionTool, Image, Message, Text, ToolCall
from core.gateway.usage import IMAGE_TOKENS, Meter, prompt_tokens

ASKED = ChatRequest("m", (Message("user", "Hello, how are you today?"),))


def test_everything_that_is_sent_counts():
    words = prompt_tokens(ASKED)
    image = Image("data:image/png;base64,AAAA")
    pictured = ChatRequest("m", (Message("user", (Text("Hello, how are you today?"), image)),))
    assert prompt_tokens(pictured) == words + IMAGE_TOKENS
    tool = FunctionTool("get_weather", "Tells the weather", {"type": "object", "properties": {}})
    assert prompt_tokens(ChatRequest("m", ASKED.messages, tools=(tool,))) > words + 10
    called = Message("assistant", None, (ToolCall("c", "get_weather", '{"city": "Paris", "unit": "celsius"}'),))
    assert prompt_tokens(ChatRequest("m", (*ASKED.messages, called))) > words + 10


def test_a_measured_usage_passes_as_it_is():
    measured = Finish("stop", "stop", Usage(7, 11))
    assert Meter(ASKED).pass_on(measured) is measured


def test_a_missing_usage_is_estimated_and_says_so():
    meter = Meter(ASKED)
    for event in (ReasoningDelta("x" * 40), TextDelta("x" * 80)):
        assert meter.pass_on(event) is event
    finish = meter.pass_on(Finish("length"))
    assert finish == Finish("length", None, Usage(prompt_tokens(ASKED), 30, reasoning_tokens=10, estimated=True))


@pytest.mark.parametrize("event", [TextDelta("x" * 40), RefusalDelta("x" * 40), ToolCallDelta("c", "x" * 40)])
def test_whatever_the_model_wrote_was_paid_for(event):
    meter = Meter(ASKED)
    meter.pass_on(event)
    assert meter.estimate().completion_tokens == 10


def test_an_estimate_is_never_nothing():
    meter = Meter(ASKED)
    for event in (Notice("top_p"), ToolCallStart("c", "f")):
        meter.pass_on(event)
    assert meter.estimate().completion_tokens == 1
    assert meter.estimate().reasoning_tokens is None
    assert prompt_tokens(ChatRequest("m", (Message("user", ""),))) >= 1
