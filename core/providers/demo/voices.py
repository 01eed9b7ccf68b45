"""The models of the toy upstream that behave: each turns a request into a reply."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.chat.requests import Json
from core.dialects.terms import new_call_id
from core.providers.demo import stories
from core.providers.demo.asked import Asked
from core.providers.demo.replies import Delta, Reply, speak
from core.providers.demo.samples import sample

HUMAN_GAP: Final = 0.03
_FRAGMENT: Final = 8
_CHINESE = re.compile("[一-鿿]")
_SEVERAL = re.compile(r"\b(?:both|parallel)\b|同时|两个", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Voice:
    """A model by name, what it does in one line, and how it answers."""

    name: str
    description: str
    reply: Callable[[Asked], Reply]


@dataclass(frozen=True, slots=True)
class Call:
    call_id: str
    name: str
    arguments: str


def echo(asked: Asked) -> Reply:
    return speak(asked, asked.user_text or "(There is no user message to repeat.)")


def story(asked: Asked) -> Reply:
    text = stories.CHINESE if _CHINESE.search(asked.user_text) else stories.ENGLISH
    return speak(asked, text.strip(), gap=HUMAN_GAP)


def reasoning(asked: Asked) -> Reply:
    thought = f"The user wrote {len(asked.user_text)} characters. An echo cannot be wrong, so an echo it is."
    return speak(asked, f"After some thought: {asked.user_text}", thought=thought, gap=HUMAN_GAP)


def tools(asked: Asked) -> Reply:
    if asked.tool_results:
        return speak(asked, "The tools answered: " + "; ".join(asked.tool_results))
    chosen = _chosen(asked)
    if not chosen:
        return speak(asked, "No tool may be called here, so this is an answer in words.")
    calls = [Call(new_call_id(), function["name"], _arguments(function, asked)) for function in chosen]
    return Reply(call_deltas(calls), "tool_calls")


def call_deltas(calls: Sequence[Call]) -> list[Delta]:
    """Tool calls as a stream brings them: the name first, then the arguments in fragments."""
    deltas: list[Delta] = []
    for index, call in enumerate(calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append(_delta({"index": index, "id": call.call_id, "type": "function", "function": function}))
        for start in range(0, len(call.arguments), _FRAGMENT):
            fragment = call.arguments[start : start + _FRAGMENT]
            deltas.append(_delta({"index": index, "function": {"arguments": fragment}}))
    return deltas


VOICES: Final[Mapping[str, Voice]] = {
    voice.name: voice
    for voice in (
        Voice("echo", "repeats the last user message word by word", echo),
        Voice("story", "tells a short story in English or Chinese, at the pace of a reader", story),
        Voice("reasoning", "thinks first, then answers", reasoning),
        Voice("tools", "calls the first declared tool, or two if asked for both; then says what they answered", tools),
    )
}


def _chosen(asked: Asked) -> Sequence[Mapping[str, Json]]:
    """The functions to call: the one that was named, else the first, or two of them."""
    functions, choice = asked.functions, asked.body.get("tool_choice")
    if choice == "none" or not functions:
        return ()
    if isinstance(choice, dict):
        wanted = (choice.get("function") or {}).get("name")
        return [function for function in functions if function.get("name") == wanted][:1]
    if _SEVERAL.search(asked.user_text) and asked.body.get("parallel_tool_calls") is not False:
        return [*functions, *functions][:2]
    return functions[:1]


def _arguments(function: Mapping[str, Json], asked: Asked) -> str:
    schema = {"type": "object", **(function.get("parameters") or {})}
    return json.dumps(sample(schema, asked.user_text), ensure_ascii=False)


def _delta(call: Json) -> Delta:
    return {"tool_calls": [call]}
