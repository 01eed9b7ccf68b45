"""Ten thousand answers of a model that gets things wrong, each cut into pieces anyhow.

Whatever it writes: no call but of a declared tool with arguments that fit, no mark in the text, no text lost. The
reference beside it reads an answer all at once, in the plainest way: a block ends at the first mark before which its
content is JSON, and if there is none, at the first mark.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.chat.completion import Completion
from core.chat.events import Finish, TextDelta
from core.emulation import tools
from core.emulation.toolgrammar import read_json
from tests.emulation.textmodel import WEATHER, TextModel, answer_of, block, call, made, marked, run

MENDED = ("weather", {"city": "Mended"})
SCHEMAS = {"weather": WEATHER.parameters, "now": {}}
NONCE = "5f0c91d2"
NAMES = [f"<{slash}tool_{kind}_{NONCE}" for slash in ("", "/") for kind in ("call", "result")]
MARK = re.compile(rf"<(/?)tool_call_{NONCE}(?:[^<>{{\n]{{0,200}}>)?")

WORDS = ["Let me look.", "\n", "  ", "1 < 2", "</b> <tool> </tool_call>", "☃ 🎉 عربى", "```", '"', "{", "\\", "[1] {}"]
CITIES = ["Oslo", "", "Tromsø 🎉", 'a "quoted" one', "back\\slash", "[/call]", "[call] {} [/call]", "<", "```", "\n"]
BLOCKS = [
    call("now"),
    call("now", {"deep": [{"a": [1, None, True]}]}),
    call("weather", {"city": "Oslo", "days": 2}),
    call("weather", {"city": "Oslo", "days": 0}),
    call("weather", {"town": "Oslo"}),
    call("weather", '{"city": "Rome"}'),
    call("delete", {"path": "/"}),
    call("now", [1]),
    block('```json\n{"name": "now"}\n```'),
    block('[{"name": "now"}, {"name": "now", "arguments": {}}]'),
    block("{}"),
    block(""),
    block('{"name": "weather", "parameters": {"city": "Oslo"}}').replace("\n", ""),
    "[call]" + call("now"),
    "[call]" + call("now") + "[/call]",
    "[call]" + '{"name": "now"}',
    "[/call]",
    call("now").replace("[call]", "<tool_call_00000000>").replace("[/call]", "</tool_call_00000000>"),
]
SEGMENTS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(CITIES).map(lambda city: call("weather", {"city": city})),
    st.sampled_from(BLOCKS),
)
MUTATIONS: dict[str, Callable[[str, str, str], str]] = {
    "drop": lambda head, char, tail: head + tail,
    "double": lambda head, char, tail: head + char * 2 + tail,
    "swap": lambda head, char, tail: head + tail[:1] + char + tail[1:],
    "break": lambda head, char, tail: f"{head}\n{char}{tail}",
    "quote": lambda head, char, tail: f'{head}"{char}{tail}',
    "close": lambda head, char, tail: f"{head}[/call]{char}{tail}",
    "cut": lambda head, char, tail: head,
}
WRONGS = st.tuples(st.sampled_from(sorted(MUTATIONS)), st.integers(0, 10_000))


def mutated(text: str, mutations: list[tuple[str, int]]) -> str:
    """`text` with some of its characters gone wrong."""
    for kind, number in mutations:
        place = number % (len(text) + 1)
        text = MUTATIONS[kind](text[:place], text[place : place + 1], text[place + 1 :])
    return text


class Read(NamedTuple):
    """What an answer comes to: its text, its calls, and whether something in it cannot be taken."""

    text: str
    calls: list[tuple[str, Any]]
    faulty: bool


def reference(answer: str) -> Read:
    half = next((answer[-size:] for size in range(30, 0, -1) if is_half(answer[-size:])), "")
    body = answer.removesuffix(half)
    marks = list(MARK.finditer(body))
    texts, calls, faulty, place, is_open = [], [], False, 0, False
    while marks:
        mark, *marks = marks
        texts.append(body[place : mark.start()])
        place = mark.end()
        if mark[1]:
            continue
        stops = [*(later.start() for later in marks), len(body)]
        good = [number for number, stop in enumerate(stops) if not read_json(body[place:stop])[1]]
        number = good[0] if good else 0
        content, place, marks = body[place : stops[number]], stops[number], marks[number:]
        is_open = not marks
        made_here = fitting(read_json(content)[0]) if good else None
        calls += made_here or []
        faulty |= not made_here and not (is_open and not content.strip() and calls)
    if not is_open:
        texts.append(body[place:] + ("" if "_" in half else half))
        faulty |= "_" in half and f"<tool_call_{NONCE}".startswith(half) and not calls
    return Read(joined(texts) if MARK.search(body) else "".join(texts), calls, faulty)


def joined(texts: list[str]) -> str:
    """What is left beside marks, never so that it makes a mark itself; blank space beside a mark belongs to it."""
    seen = ""
    for text in texts:
        if text.strip():
            halves = [seen[-size:] for size in range(1, 30) if is_half(seen[-size:])]
            seen += " " if any(name.startswith(half + text[0]) for name in NAMES for half in halves) else ""
            seen += text
    return seen


def is_half(text: str) -> bool:
    return text != "" and any(name.startswith(text) and name != text for name in NAMES)


def fitting(value: Any) -> list[tuple[str, Any]] | None:
    """The calls in a block, None if one of them is not as it must be."""
    calls = []
    for entry in value if isinstance(value, list) else [value]:
        name = entry.get("name") if isinstance(entry, dict) else None
        if name not in SCHEMAS:
            return None
        words = set(entry) & {"arguments", "parameters"}
        arguments = entry.get("arguments", entry.get("parameters", {}))
        if isinstance(arguments, str):
            arguments = read_json(arguments)[0] if arguments.strip() else {}
        arguments = {} if arguments is None and not isinstance(entry.get("arguments"), str) else arguments
        if not isinstance(arguments, dict) or not Draft202012Validator(SCHEMAS[name]).is_valid(arguments):
            return None
        if not words and set(entry) != {"name"}:
            return None
        calls.append((name, arguments))
    return calls or None


def cut_into(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in itertools.pairwise(edges)]


def outcome(pieces: list[str]) -> tuple[Completion, int]:
    """What reaches the caller, and how often the model was asked."""
    model = TextModel([*map(TextDelta, pieces), Finish("stop")], call(*MENDED))
    return run(answer_of(model)), len(model.requests)


@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(
    st.lists(SEGMENTS, min_size=1, max_size=5).map("".join),
    st.lists(WRONGS, max_size=3),
    st.lists(st.integers(0, 10_000), max_size=6),
)
def test_whatever_a_model_writes(written: str, mutations: list[tuple[str, int]], cuts: list[int]) -> None:
    answer = marked(mutated(marked(written, NONCE), mutations), NONCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools, "_nonce", lambda request: NONCE)
        whole, rounds = outcome([answer])
        assert (whole.text, made(whole), rounds) == told_apart(outcome(cut_into(answer, cuts)))
        assert (whole.text, made(whole), rounds) == told_apart(outcome(list(answer)))
    expected = reference(answer)
    event("mended" if expected.faulty else f"calls: {min(len(expected.calls), 2)}")
    assert (whole.text, rounds) == (expected.text, 2 if expected.faulty else 1)
    assert made(whole) == ([MENDED] if expected.faulty else expected.calls)
    check(whole)


def told_apart(reached: tuple[Completion, int]) -> tuple[str, list[tuple[str, Any]], int]:
    """All but the ids of the calls, which are new each time."""
    answer, rounds = reached
    return answer.text, made(answer), rounds


def check(answer: Completion) -> None:
    """What holds for every answer, without a reference."""
    for name, arguments in made(answer):
        assert name in SCHEMAS
        assert isinstance(arguments, dict)
        Draft202012Validator(SCHEMAS[name]).validate(arguments)
    assert not MARK.search(answer.text)
    assert answer.finish is not None
    assert answer.finish.reason == ("tool_calls" if answer.tool_calls else "stop")
    assert len({each.call_id for each in answer.tool_calls}) == len(answer.tool_calls)
