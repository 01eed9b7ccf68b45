"""Which calls a block comes to: only of declared tools, only with arguments that fit, and nothing guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat.errors import InvalidRequest
from core.chat.requests import BuiltinTool, FunctionTool, NamedTool
from core.emulation.toolgrammar import Block, read_json
from core.emulation.tooloffer import Offer, Unfit, offer_of
from tests.emulation.textmodel import NOW, WEATHER, asked

OFFER = Offer({"weather": WEATHER, "now": NOW})


def calls(content: str, offer: Offer = OFFER) -> list[tuple[str, str]]:
    value, fault = read_json(content)
    return [(call.name, call.arguments) for call in offer.calls_in(Block(content, value, fault))]


OSLO = ("weather", '{"city":"Oslo"}')
LOSSLESS = [
    ('{"name": "weather", "arguments": {"city": "Oslo"}}', [OSLO]),
    ('{"name": "weather", "parameters": {"city": "Oslo"}}', [OSLO]),
    ('{"name": "weather", "args": {"city": "Oslo"}}', [OSLO]),
    ('{"name": "weather", "input": {"city": "Oslo"}}', [OSLO]),
    (json.dumps({"name": "weather", "arguments": '{"city": "Oslo"}'}), [OSLO]),
    (json.dumps({"name": "weather", "arguments": '```json\n{"city": "Oslo"}\n```'}), [OSLO]),
    ('{"why": "cold", "name": "weather", "arguments": {"city": "Oslo"}}', [OSLO]),
    ('{"id": "call_1", "name": "weather", "arguments": {"city": "Oslo"}}', [OSLO]),
    ('{"type": "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}}', [OSLO]),
    ('[{"name": "weather", "arguments": {"city": "Oslo"}}, {"name": "now"}]', [OSLO, ("now", "{}")]),
    ('{"name": "now", "arguments": {}}', [("now", "{}")]),
    ('{"name": "now", "arguments": null}', [("now", "{}")]),
    ('{"name": "now", "arguments": ""}', [("now", "{}")]),
    ('{"name": "now", "arguments": {"zone": "Nørre ☃", "n": 1.50}}', [("now", '{"zone":"Nørre ☃","n":1.5}')]),
    ('{"name": "weather", "arguments": {"city": 7, "city": "Oslo"}}', [OSLO]),
    ('{"name": "now", "arguments": {"half": "\\ud83d"}}', [("now", '{"half":"\\ud83d"}')]),
]


@pytest.mark.parametrize(("content", "expected"), LOSSLESS)
def test_what_is_clearly_meant_is_called(content: str, expected: list[tuple[str, str]]) -> None:
    assert calls(content) == expected
    for _, arguments in calls(content):
        assert isinstance(json.loads(arguments.encode()), dict)


UNFIT = [
    ('{"name": "weather", "arguments": {}}', "in the call of weather, city is missing"),
    ('{"name": "weather"}', "in the call of weather, city is missing"),
    ('{"name": "weather", "city": "Oslo"}', '"city" does not belong beside "name": put it into "arguments"'),
    ('{"name": "now", "argments": {"zone": "CET"}}', '"argments" does not belong beside "name"'),
    ('{"name": "weather", "arguments": {"city": 7}}', "in the call of weather, city must be a string"),
    ('{"name": "weather", "arguments": {"city": "Oslo", "days": "2"}}', "days must be an integer"),
    ('{"name": "weather", "arguments": {"city": "Oslo", "town": 1}}', "town is not allowed here"),
    ('{"name": "weather", "arguments": ["Oslo"]}', "the arguments must be an object"),
    ('{"name": "weather", "arguments": 7}', "the arguments must be an object"),
    ('{"name": "weather", "arguments": "Oslo"}', "the arguments cannot be read"),
    ('{"name": "weather", "arguments": "[]"}', "the arguments must be an object"),
    ('{"name": "now", "arguments": {"n": 1e999}}', "a number that is too large"),
    ('{"name": "delete", "arguments": {}}', '"delete" is not among the tools that can be called: weather, now'),
    ('{"name": "Weather", "arguments": {"city": "Oslo"}}', '"Weather" is not among'),
    ('{"name": "' + "x" * 999 + '"}', '"' + "x" * 80 + '" is not among'),
    ('{"arguments": {"city": "Oslo"}}', 'an object with "name" and "arguments"'),
    ('{"name": ["weather"]}', 'an object with "name" and "arguments"'),
    ('"weather"', 'an object with "name" and "arguments"'),
    ("null", 'an object with "name" and "arguments"'),
    ("[]", "the block is empty"),
    ("", "the block cannot be read: it is empty"),
    ("{name: weather}", "the block cannot be read: it is not valid JSON"),
    ('[{"name": "now"}, {"name": "delete"}]', '"delete" is not among'),
]


@pytest.mark.parametrize(("content", "words"), UNFIT)
def test_what_is_not_is_told_to_the_model(content: str, words: str) -> None:
    with pytest.raises(Unfit) as caught:
        calls(content)
    assert words in str(caught.value)


def test_each_call_has_an_id_of_its_own() -> None:
    block = Block("", [{"name": "now", "id": "call_1"}, {"name": "now", "id": "call_1"}])
    one, two = (call.call_id for call in OFFER.calls_in(block))
    assert one != two


CHOICES: list[tuple[Any, list[str], bool]] = [
    (None, ["weather", "now"], False),
    ("auto", ["weather", "now"], False),
    ("required", ["weather", "now"], True),
    (NamedTool("now"), ["now"], True),
    ("none", [], False),
]


@pytest.mark.parametrize(("choice", "names", "must_call"), CHOICES)
def test_the_choice_decides_what_is_offered(choice: Any, names: list[str], must_call: bool) -> None:
    offer = offer_of(asked(choice=choice))
    assert (list(offer.tools), offer.must_call, offer.at_most_one) == (names, must_call, False)


@pytest.mark.parametrize(("wish", "at_most_one"), [(False, True), (True, False)])
def test_parallel_calls_can_be_forbidden(wish: bool, at_most_one: bool) -> None:
    assert offer_of(asked(parallel_tool_calls=wish)).at_most_one is at_most_one


def test_where_nothing_is_offered_nothing_is_called() -> None:
    with pytest.raises(Unfit, match="none"):
        calls('{"name": "now"}', Offer({}))


def test_a_tool_that_only_a_service_can_run_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidRequest) as caught:
        offer_of(asked(tools=[WEATHER, BuiltinTool({"type": "web_search"})]))
    assert (caught.value.param, caught.value.code) == ("tools[1]", "unsupported_parameter")
    assert offer_of(asked(tools=[BuiltinTool({"type": "web_search"})], choice="none")) == Offer({})


def test_a_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        offer_of(asked(choice=NamedTool("delete")))
    assert caught.value.param == "tool_choice"


def test_a_tool_without_a_schema_takes_any_object() -> None:
    assert calls('{"name": "any", "arguments": {"a": [1]}}', Offer({"any": FunctionTool("any")})) == [
        ("any", '{"a":[1]}')
    ]
