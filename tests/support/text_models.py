"""Models that were only ever taught to talk."""

from __future__ import annotations

from tests.support.text_upstream import Model, Prompt

STEPS = 50
HARD = 'line "one"\n\n{"a": [1]}\n```\nbacktick \\ <b>&amp;</b> 🦊 é'
"""What a tool gives: nothing of it may be lost, or taken for a mark."""


def result_of(step: int) -> str:
    return f"{step}: {HARD}"


def agent(prompt: Prompt) -> str:
    """Calls `advance` until it was called often enough, each time with what it got for the call before."""
    seen = prompt.results
    if len(seen) == STEPS:
        return f"Done after {len(seen)} steps."
    return f"Step {len(seen) + 1}.\n\n{prompt.call('advance', step=len(seen) + 1, seen=seen[-1] if seen else '')}"


def parallel(prompt: Prompt) -> str:
    return "Let me look.\n" + "\n".join(prompt.call("get_weather", city=city, unit="c") for city in ("Oslo", "Åbo"))


def forgetful(prompt: Prompt) -> str:
    """Calls something only when it is told a second time."""
    if "Nothing was called" in prompt.text:
        return prompt.call("get_weather", city="Oslo", unit="c")
    return "I would rather talk about the weather in general."


def json_in_prose(prompt: Prompt) -> str:
    """Needs to be told that `people` is a number."""
    people = "200000" if "must be an integer" in prompt.text else '"many"'
    return f'Sure! Here is what you want:\n\n```json\n{{"name": "Åbo", "people": {people}}}\n```\nAnything else?'


MODELS: dict[str, Model] = {
    "agent": agent,
    "forgetful": forgetful,
    "json": json_in_prose,
    "mulish": lambda _: "No.",
    "parallel": parallel,
    "story": lambda _: "Once upon a time. END. And so on.",
    "thinking": lambda _: "<think>\nhm\n</think>\n\nHello",
}
