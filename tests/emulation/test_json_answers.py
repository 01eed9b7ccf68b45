"""JSON from models that do not know `response_format`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.chat.errors import InvalidRequest, Retry, UpstreamError, UpstreamTruncated
from core.chat.events import (
    Finish,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextReplacement,
    Usage,
)
from core.chat.requests import ChatRequest, FunctionTool, Message, Text
from core.emulation.json_answers import schema_of, with_json
from tests.emulation.asked import STOP, Upstream, call, cut, events_of, says, unhurried

OBJECT = {"type": "json_object"}
CITY = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
PARIS = '{"name": "Paris"}'


def by_schema(schema=CITY, **fields) -> dict:
    return {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, **fields}}


def wanting(response_format=OBJECT, *messages: Message, **fields) -> ChatRequest:
    parameters = {"response_format": response_format, "seed": 1}
    return ChatRequest("m", messages or (Message("user", "Which city?"),), parameters=parameters, **fields)


async def answer(upstream: Upstream, request: ChatRequest) -> list:
    return await events_of(with_json(upstream.ask, request))


# What is sent


async def test_the_model_is_told_in_its_own_words():
    upstream = Upstream(says(PARIS))
    await answer(upstream, wanting())
    [asked] = upstream.asked
    system, user = asked.messages
    assert (system.role, user) == ("system", Message("user", "Which city?"))
    assert "one JSON object" in system.text
    assert "schema" not in system.text
    assert asked.parameters == {"seed": 1}


async def test_the_schema_is_told_with_it():
    upstream = Upstream(says(PARIS))
    await answer(upstream, wanting(by_schema(description="the capital")))
    [asked] = upstream.asked
    assert json.dumps(CITY) in asked.messages[0].text
    assert "(the capital)" in asked.messages[0].text


@pytest.mark.parametrize("content", ["Be kind.", (Text("Be kind.", {"cache_control": {"type": "ephemeral"}}),)])
async def test_there_is_one_system_prompt(content):
    """Some templates refuse a second one."""
    upstream = Upstream(says(PARIS))
    await answer(upstream, wanting(OBJECT, Message("system", content), Message("user", "Which?")))
    [asked] = upstream.asked
    assert [message.role for message in asked.messages] == ["system", "user"]
    assert asked.messages[0].text.startswith("Be kind.\n\nAnswer with")
    assert isinstance(asked.messages[0].content, type(content))


async def test_tools_are_not_forbidden_by_it():
    upstream = Upstream(says(PARIS))
    await answer(upstream, wanting(tools=(FunctionTool("f"),)))
    assert "you may call tools" in upstream.asked[0].messages[0].text


# What comes back

AROUND = [
    "{}",
    " \n{}\n",
    "```json\n{}\n```",
    "```\n{}\n```\n",
    "Sure, here [as you wish] it is:\n\n```json\n{}\n```\nAnything {{else}}?",
    "Here it is: {}",
    "{} Is that right?",
    "```json {}```",
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(
    "value", [PARIS, '{\n  "name": "a } ] ``` b",\n  "more": [{"x": 1e5}, "\\ud83e\\udd8a 🦊"]\n}', '{"name":""}']
)
@settings(unhurried, max_examples=20)
@given(data=st.data())
async def test_what_stands_around_the_json_is_taken_away_and_nothing_else(data, around, value):
    upstream = Upstream(says(*data.draw(cut(around.format(value)))))
    assert await answer(upstream, wanting(by_schema())) == [TextDelta(value), STOP]


@pytest.mark.parametrize(
    ("schema", "value"),
    [({"type": "array"}, "[1, 2]"), ({"type": "string"}, '"Paris"'), ({"type": "integer"}, "7"), ({}, "null")],
)
async def test_a_schema_may_want_more_than_objects(schema, value):
    upstream = Upstream(says(f"\n{value}\n"))
    assert await answer(upstream, wanting(by_schema(schema))) == [TextDelta(value), STOP]


@pytest.mark.parametrize(
    "text",
    [
        "I would say Paris.",
        '{"name": "Paris"',
        '{"name": "Paris", "rivers": [{"name": "Seine"}',
        '[{"name": "Paris"}, {"name": "Lyon"',
        '{"name": "Paris"}\n{"name": "Lyon"}',
        '```json\n{"name": "Paris"}\n```\nor\n```json\n{"name": "Lyon"}\n```',
        '{"name": NaN}',
        '{"city": "Paris"}',
        '{"name": 5}',
        '[{"name": "Paris"}]',
        '"Paris"',
        "[" * 100_000,
        "",
    ],
)
async def test_anything_else_goes_back_to_the_model_once(text):
    """A part of what was meant, or one of several, is no answer either."""
    upstream = Upstream(says(text), says(f"```\n{PARIS}\n```"))
    assert await answer(upstream, wanting(by_schema())) == [TextDelta(PARIS), STOP]
    first, second = upstream.asked
    *before, faulty, correction = second.messages
    assert tuple(before) == first.messages
    assert faulty == Message("assistant", text)
    assert correction.role == "user"
    assert second.parameters == first.parameters


async def test_the_model_is_told_what_is_wrong():
    upstream = Upstream(says('{"name": 5}'), says(PARIS))
    await answer(upstream, wanting(by_schema()))
    assert "name must be a string" in upstream.asked[1].messages[-1].text


async def test_an_object_of_any_kind_is_still_an_object():
    for wrong in ("[1]", '{"any": NaN}', '{"any": -Infinity}'):
        upstream = Upstream(says(wrong), says('{"any": 1}'))
        assert await answer(upstream, wanting()) == [TextDelta('{"any": 1}'), STOP]


async def test_twice_wrong_is_a_failure_that_says_so():
    upstream = Upstream(says("Paris"), says('{"name": 5}'))
    with pytest.raises(UpstreamError, match="name must be a string") as caught:
        await answer(upstream, wanting(by_schema()))
    assert (caught.value.status, caught.value.code) == (502, "response_format_unmet")
    assert caught.value.retry is Retry.OTHER_ROUTE
    assert len(upstream.asked) == upstream.closed == 2


@pytest.mark.parametrize("strict", [True, False, None])
async def test_strict_or_not_it_is_checked(strict):
    upstream = Upstream(says("{}"), says(PARIS))
    assert await answer(upstream, wanting(by_schema(strict=strict))) == [TextDelta(PARIS), STOP]


async def test_the_text_is_held_back_and_the_thinking_is_not():
    upstream = Upstream(
        [[Notice("seed"), ReasoningDelta("a")], [TextDelta("no"), ReasoningDelta("b")], [STOP]],
        [[ReasoningDelta("c"), TextDelta(PARIS), STOP]],
    )
    batches = [batch async for batch in with_json(upstream.ask, wanting(by_schema()))]
    assert batches == [
        [Notice("seed"), ReasoningDelta("a")],
        [ReasoningDelta("b")],
        [ReasoningDelta("c")],
        [TextDelta(PARIS), STOP],
    ]


async def test_a_text_that_was_taken_back_is_not_looked_at():
    upstream = Upstream([[TextDelta("no"), TextReplacement('{"name": ')], [TextDelta('"Paris"}'), STOP]])
    assert await answer(upstream, wanting(by_schema())) == [TextDelta(PARIS), STOP]


async def test_a_refusal_passes():
    script = [RefusalDelta("I will not."), STOP]
    assert await answer(Upstream([script]), wanting()) == script


@pytest.mark.parametrize("text", ["", "Let me look."])
async def test_words_beside_a_call_are_words(text):
    end = Finish("tool_calls")
    upstream = Upstream([[*([TextDelta(text)] if text else []), *call("c", "{}"), end]])
    events = await answer(upstream, wanting(tools=(FunctionTool("f"),)))
    assert events == [*call("c", "{}"), *([TextDelta(text)] if text else []), end]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_answer_that_was_cut_off_is_given_as_it_is(reason):
    end = Finish(reason, "word", Usage(1, 2))
    assert await answer(Upstream(says('{"name": "Pa', end=end)), wanting()) == [TextDelta('{"name": "Pa'), end]
    assert await answer(Upstream(says(f"```json\n{PARIS}\n``", end=end)), wanting()) == [
        TextDelta(f"```json\n{PARIS}\n``"[8:-3]),
        end,
    ]
    assert await answer(Upstream(says(end=end)), wanting()) == [end]


async def test_both_rounds_are_paid_for():
    first, second = Finish("stop", "a", Usage(10, 5, 2)), Finish("stop", "b", Usage(20, 7, None, 3))
    upstream = Upstream(says("no", end=first), says(PARIS, end=second))
    assert (await answer(upstream, wanting()))[-1] == Finish("stop", "b", Usage(30, 12, 2, 3))
    upstream = Upstream(says("no"), says(PARIS, end=second))
    assert (await answer(upstream, wanting()))[-1].usage is None
    upstream = Upstream(says(PARIS, end=second))
    assert (await answer(upstream, wanting()))[-1] == second


async def test_an_answer_without_an_end_is_none():
    upstream = Upstream([[TextDelta(PARIS)]])
    with pytest.raises(UpstreamTruncated):
        await answer(upstream, wanting())


async def test_whoever_leaves_closes_the_upstream():
    upstream = Upstream([[ReasoningDelta("a")], [TextDelta(PARIS), STOP]])
    stream = with_json(upstream.ask, wanting())
    await anext(stream)
    await stream.aclose()
    assert upstream.closed == 1


# What may be wished for


@pytest.mark.parametrize(
    ("response_format", "param"),
    [
        ({}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": ["json_object"]}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": "city"}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": {"name": "city"}}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": {"schema": True}}, "response_format.json_schema.schema"),
    ],
)
def test_a_wish_that_nobody_understands_names_its_field(response_format, param):
    with pytest.raises(InvalidRequest) as caught:
        schema_of(response_format)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_what_an_answer_must_fit():
    assert schema_of({"type": "text"}) is None
    assert schema_of(OBJECT) == {"type": "object"}
    assert schema_of(by_schema()) == CITY
