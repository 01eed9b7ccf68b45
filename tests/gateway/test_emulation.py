"""What the gateway sees to itself, on the road that everything takes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from core.chat.errors import ChatError, Retry, UpstreamError
from core.chat.events import Finish, ReasoningDelta, StreamEvent, TextDelta
from core.chat.ports import Capabilities
from core.chat.requests import ChatRequest, FunctionTool
from core.chat.settings import GatewaySettings
from core.gateway.answer import Answer
from core.gateway.record import Record
from tests.support.road import ASKED, GOOD, SILENCE, Road, Scripted

JSON = {"type": "json_object"}
TOOLS = (FunctionTool("f"),)
BROKEN = UpstreamError("It broke.", code="upstream_stream_error")


def text_only(*scripts: Any) -> Scripted:
    provider = Scripted(*scripts)
    provider.capabilities = Capabilities()
    return provider


def wanting(**parameters: Any) -> ChatRequest:
    return replace(ASKED, parameters=parameters)


async def opened(road: Road, request: ChatRequest = ASKED) -> Answer:
    return await road.gateway.open(request, Record())


async def events_of(answer: Answer) -> list[StreamEvent]:
    return [event async for batch in answer for event in batch]


async def answer(provider: Scripted, request: ChatRequest = ASKED, **choices: Any) -> list[StreamEvent]:
    return await events_of(await opened(Road({"a": provider}, **choices), request))


async def fails(road: Road, request: ChatRequest) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await events_of(await opened(road, request))
    return caught.value


# Nothing to do


async def test_a_plain_chat_is_read_from_the_provider_itself():
    road = Road({"a": text_only()})
    answer = await opened(road, wanting(temperature=1))
    assert answer.emulated == ()
    assert answer._attempt.stream.ag_code is Scripted.stream.__code__
    assert answer._attempt.thought is None, "which has seen enough"
    await answer.aclose()


# The road


async def test_what_was_emulated_is_known():
    answer = await opened(Road({"a": text_only()}), wanting(stop="!", max_tokens=100))
    assert answer.emulated == ("stop", "max_tokens")
    *said, finish = await events_of(answer)
    assert said == [TextDelta("Hello")]
    assert (finish.reason, finish.stop_sequence) == ("stop", "!")


async def test_an_answer_that_we_cut_has_its_usage_estimated():
    script = [[TextDelta("x" * 40)], *GOOD]
    *_, finish = await answer(text_only(script), wanting(max_tokens=5))
    assert finish.reason == "length"
    assert (finish.usage.completion_tokens, finish.usage.estimated) == (5, True)


async def test_an_answer_may_begin_with_a_stop_sequence():
    [finish] = await answer(text_only(), wanting(stop="Hel"))
    assert (finish.reason, finish.stop_sequence) == ("stop", "Hel")


async def test_the_upstream_is_closed_when_the_answer_ends_early():
    provider = text_only([[TextDelta("one END")], SILENCE])
    assert len(await answer(provider, wanting(stop="END"))) == 2
    assert provider.closed == 1


async def test_what_is_held_back_counts_as_a_sign_of_life():
    """The first event is not late because nobody has seen it yet."""

    class Dawdling(Scripted):
        async def stream(self, request, token):
            for char in '{"a": 12345}':
                yield [TextDelta(char)]
                await asyncio.sleep(0.02)
            yield [Finish("stop")]

    slow = Dawdling()
    slow.capabilities = Capabilities()
    road = Road({"a": slow}, settings=GatewaySettings(first_event_timeout=0.1))
    text, _ = await events_of(await opened(road, wanting(response_format=JSON)))
    assert text == TextDelta('{"a": 12345}')


async def test_a_silence_while_something_is_held_back_is_too_long():
    settings = GatewaySettings(first_event_timeout=10, idle_timeout=0.02)
    error = await fails(
        Road({"a": text_only([[TextDelta("{")], SILENCE])}, settings=settings), wanting(response_format=JSON)
    )
    assert (error.status, error.code) == (504, "upstream_timeout")


async def test_a_failure_of_what_is_held_back_may_be_tried_again():
    provider = text_only([[TextDelta("{")], BROKEN], [[TextDelta("{}")], [Finish("stop")]])
    text, _ = await answer(provider, wanting(response_format=JSON))
    assert text == TextDelta("{}")


async def test_a_model_that_gives_no_json_is_no_fault_of_token_or_upstream():
    """Another token would do no better; another upstream may."""
    road = Road({"a": text_only()}, tokens={"a": "one,two"})
    for _ in range(4):
        error = await fails(road, wanting(response_format=JSON))
        assert (error.status, error.code) == (502, "response_format_unmet")
    assert len(road.upstreams["a"].provider.asked) == 8
    assert not road.upstreams["a"].health.benched
    assert road.upstreams["a"].pool.states() == []


@pytest.mark.parametrize("code", ["tool_call_invalid", "tool_call_missing"])
async def test_a_model_that_cannot_call_is_no_fault_of_the_upstream(code):
    road = Road({"a": text_only([UpstreamError("It does not call.", code=code, retry=Retry.OTHER_ROUTE)])})
    for _ in range(4):
        assert (await fails(road, ASKED)).code == code
    assert not road.upstreams["a"].health.benched


async def test_another_route_may_do_better():
    able = Scripted([[TextDelta("{}"), Finish("stop")]])
    able.capabilities = Capabilities(response_format=True)
    road = Road({"a": text_only(), "b": able}, aliases={"both": ["a/m", "b/m"]})
    answer = await opened(road, replace(wanting(response_format=JSON), model="both"))
    assert (answer.provider, answer.emulated) == ("b", ())
    assert able.asked[0][0].parameters == {"response_format": JSON}
    await answer.aclose()


async def test_a_wish_that_nobody_understands_troubles_no_upstream():
    provider = text_only()
    error = await fails(Road({"a": provider}), wanting(response_format={"type": "xml"}))
    assert (error.status, error.param) == (400, "response_format.type")
    assert provider.asked == []


# Choices between models

RENAMED = {"a": {"fast": "llama-8b"}}


@pytest.mark.parametrize(
    ("able", "choice", "emulated"),
    [
        (False, None, True),
        (False, True, True),
        (False, ("llama*",), True),
        (False, ("fast",), True),
        (True, None, False),
        (True, False, False),
        (True, ("other",), False),
        (True, True, True),
        (True, ("llama*",), True),
        (True, ("fast",), True),
    ],
)
async def test_whose_tools_are_emulated(able, choice, emulated):
    """By the caller's name or the upstream's."""
    provider = Scripted()
    provider.capabilities = Capabilities(tools=able)
    road = Road({"a": provider}, models=RENAMED, emulate_tools=choice)
    answer = await opened(road, replace(ASKED, model="fast", tools=TOOLS))
    assert answer.emulated == (("tools",) if emulated else ())
    await answer.aclose()


@pytest.mark.parametrize("choice", [False, ("other",)])
async def test_tools_that_are_not_to_be_emulated_are_refused(choice):
    error = await fails(Road({"a": text_only()}, emulate_tools=choice), replace(ASKED, tools=TOOLS))
    assert (error.status, error.param, error.code) == (400, "tools", "unsupported_parameter")


THINKING = ([TextDelta("<thi")], [TextDelta("nk>hm</think>Hel")], [TextDelta("lo"), Finish("stop")])


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({}, [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo")]),
        ({"split_think_tags": False}, [TextDelta("<thi"), TextDelta("nk>hm</think>Hel"), TextDelta("lo")]),
        ({"split_think_tags": ("other",)}, [TextDelta("<thi"), TextDelta("nk>hm</think>Hel"), TextDelta("lo")]),
        (
            {"reasoning_in_content": True},
            [TextDelta("<think>\nhm"), TextDelta("\n</think>\n\n"), TextDelta("Hel"), TextDelta("lo")],
        ),
        ({"reasoning_in_content": ("other",)}, [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo")]),
    ],
)
async def test_where_thinking_is_shown(choices, said):
    *events, finish = await answer(Scripted(THINKING), **choices)
    assert events == said
    assert finish.reason == "stop"
