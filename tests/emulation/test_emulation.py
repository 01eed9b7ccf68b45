"""What is emulated for which request, and how its parts go together."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from core.chat.errors import InvalidRequest
from core.chat.events import Finish, ReasoningDelta, TextDelta
from core.chat.ports import Capabilities
from core.chat.requests import BuiltinTool, ChatRequest, FunctionTool
from core.emulation import Emulation, emulated, needed
from tests.emulation.asked import ASKED, STOP, Upstream, events_of, says

NONE = Capabilities()
ALL = Capabilities(tools=True, stop=True, token_limit=True, response_format=True)
JSON = {"type": "json_object"}
TOOL = FunctionTool("f")


def wanting(*tools: FunctionTool | BuiltinTool, **parameters: Any) -> ChatRequest:
    return replace(ASKED, tools=tools, parameters=parameters)


def need(able: Capabilities, request: ChatRequest, *, tools: bool = True, **wishes: bool) -> Emulation:
    return needed(able, request, tools=tools, **{"thought_in_text": False, "split_thought": True, **wishes})


@pytest.mark.parametrize(
    "request_",
    [
        ASKED,
        wanting(temperature=1),
        wanting(response_format={"type": "text"}),
        replace(wanting(TOOL), tool_choice="none"),
    ],
)
def test_most_requests_need_nothing(request_):
    emulation = need(NONE, request_)
    assert not emulation.changes
    assert emulation.names == ()


def test_an_upstream_that_can_is_left_alone():
    everything = wanting(TOOL, stop="x", max_tokens=5, response_format={"type": "of its own"})
    assert not need(ALL, everything, tools=False).changes


@pytest.mark.parametrize(
    ("request_", "emulation", "names"),
    [
        (wanting(TOOL), Emulation(tools=True), ("tools",)),
        (wanting(stop="x"), Emulation(stop=("x",)), ("stop",)),
        (wanting(stop=["x", "", "y"]), Emulation(stop=("x", "y")), ("stop",)),
        (wanting(stop=[""]), Emulation(), ()),
        (wanting(max_tokens=5), Emulation(max_tokens=5), ("max_tokens",)),
        (wanting(max_completion_tokens=6, max_tokens=5), Emulation(max_tokens=6), ("max_tokens",)),
        (wanting(response_format=JSON), Emulation(response_format=True), ("response_format",)),
    ],
)
def test_one_that_cannot_is_helped(request_, emulation, names):
    assert need(NONE, request_) == emulation
    assert emulation.names == names


@pytest.mark.parametrize("given", [{"tools": True}, {"tools": False, "response_format": JSON}])
def test_what_could_cut_into_ours_is_ours(given):
    """An upstream's own stop sequence would end a call in words, or the prose around JSON."""
    able = replace(ALL, response_format=False)
    request = wanting(TOOL, stop="```", max_tokens=5, **{k: v for k, v in given.items() if k != "tools"})
    assert need(able, request, tools=given["tools"]).stop == ("```",)
    assert need(able, request, tools=given["tools"]).max_tokens is None


def test_calls_and_json_are_ours_together():
    """An upstream that may say nothing but JSON could not call in words."""
    assert need(ALL, wanting(TOOL, response_format=JSON)).response_format


def test_tools_that_a_service_runs_itself_cannot_be_emulated():
    with pytest.raises(InvalidRequest) as caught:
        need(NONE, wanting(TOOL, BuiltinTool({"type": "web_search"})))
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, "tools[1]", "unsupported_parameter")
    assert not need(ALL, wanting(BuiltinTool({"type": "web_search"})), tools=False).changes


def test_a_wish_that_nobody_understands_is_refused_where_it_would_be_ours():
    with pytest.raises(InvalidRequest, match=r"response_format\.type"):
        need(NONE, wanting(response_format={"type": "xml"}))


def test_thinking_is_not_put_into_json():
    assert need(ALL, ASKED, thought_in_text=True).thought_in_text
    assert need(ALL, ASKED, thought_in_text=True).names == ()
    assert not need(ALL, wanting(response_format=JSON), thought_in_text=True, tools=False).changes
    assert not need(NONE, wanting(response_format=JSON), thought_in_text=True).thought_in_text


# What comes of it


async def answer(upstream: Upstream, request: ChatRequest, able: Capabilities = NONE, **wishes: bool) -> list:
    return await events_of(emulated(upstream.ask, request, need(able, request, tools=False, **wishes)))


async def test_what_is_ours_is_not_asked_of_the_upstream():
    upstream = Upstream(says("{}"))
    wish = wanting(TOOL, stop="x", max_tokens=5, max_completion_tokens=6, response_format=JSON, seed=1)
    await answer(upstream, wish)
    [asked] = upstream.asked
    assert asked.parameters == {"seed": 1}
    assert asked.tools == (TOOL,)


async def test_what_it_can_is():
    upstream = Upstream(says("a"))
    wish = wanting(stop="x", max_tokens=5)
    await answer(upstream, wish, Capabilities(stop=True))
    assert upstream.asked[0].parameters == {"stop": "x"}
    await answer(upstream, wish, Capabilities(token_limit=True))
    assert upstream.asked[1].parameters == {"max_tokens": 5}


@pytest.mark.parametrize(
    ("wish", "script", "end"),
    [
        ({"stop": "END"}, says("one END", " two"), Finish("stop", stop_sequence="END")),
        ({"max_tokens": 1}, says("one ", "END two"), Finish("length")),
    ],
)
async def test_an_answer_that_is_ended_early_lets_go_of_the_upstream(wish, script, end):
    upstream = Upstream(script)
    request = wanting(**wish)
    async with aclosing(emulated(upstream.ask, request, need(NONE, request))) as stream:
        batches = []
        async for batch in stream:
            batches.append(batch)
            if isinstance(batch[-1], Finish):
                break
        assert await anext(stream, None) is None
    assert upstream.closed == 1
    assert [event for batch in batches for event in batch] == [TextDelta("one "), end]


async def test_thinking_in_the_text_is_neither_json_nor_a_reason_to_stop():
    upstream = Upstream(says("<think>STOP: {</think>", '{"a": "STOP"}'))
    assert await answer(upstream, wanting(response_format=JSON, stop="STOP:")) == [
        ReasoningDelta("STOP: {"),
        TextDelta('{"a": "STOP"}'),
        STOP,
    ]


async def test_it_stays_there_where_that_is_wished():
    upstream = Upstream(says("<think>a</think>b"))
    request = wanting(max_tokens=50)
    assert await answer(upstream, request, split_thought=False) == [TextDelta("<think>a</think>b"), STOP]
    assert await answer(upstream, request, thought_in_text=True) == [
        TextDelta("<think>\na"),
        TextDelta("\n</think>\n\n"),
        TextDelta("b"),
        STOP,
    ]


async def test_each_answer_of_two_rounds_is_looked_at_from_its_beginning():
    upstream = Upstream(says("<think>a</think>no"), says("<think>b</think>{}"))
    assert await answer(upstream, wanting(response_format=JSON, max_tokens=9)) == [
        ReasoningDelta("a"),
        ReasoningDelta("b"),
        TextDelta("{}"),
        STOP,
    ]


async def test_json_that_was_cut_off_by_our_limit_is_not_asked_for_again():
    upstream = Upstream(says('{"name": "Paris"}'))
    assert await answer(upstream, wanting(response_format=JSON, max_tokens=2)) == [
        TextDelta('{"name":'),
        Finish("length"),
    ]
    assert len(upstream.asked) == 1


async def test_words_around_json_are_not_looked_at_for_a_stop():
    upstream = Upstream(says('```json\n{"a": 1}\n```'))
    assert await answer(upstream, wanting(response_format=JSON, stop="```")) == [TextDelta('{"a": 1}'), STOP]
