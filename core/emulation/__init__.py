"""What an upstream does not do itself, and we do for it: tools, JSON, stop sequences, limits. See docs/emulation.md."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from core.chat.events import Batch
from core.chat.ports import Capabilities
from core.chat.requests import ChatRequest
from core.emulation.json_answers import schema_of, with_json
from core.emulation.limits import StopSequences, TokenLimit
from core.emulation.reasoning import LeadingThought, ThoughtInText
from core.emulation.rounds import Ask
from core.emulation.tooloffer import offer_of
from core.emulation.tools import with_tools
from core.emulation.transforms import Transform, transformed

_OURS = frozenset({"max_completion_tokens", "max_tokens", "response_format", "stop"})
"""Parameters that we can see to ourselves."""


class Emulation(NamedTuple):
    """What is done for one request.

    `thought_in_text` and `split_thought` are about thinking in the text: to put it there, and to take it out.
    """

    tools: bool = False
    response_format: bool = False
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    thought_in_text: bool = False
    split_thought: bool = True

    @property
    def changes(self) -> bool:
        """Whether there is more to do than to look at an answer's beginning."""
        return any(self[:-1])

    @property
    def names(self) -> tuple[str, ...]:
        """What the caller is told of, by the names of the parameters."""
        return (
            ()
            if not self.changes
            else tuple(name for name in ("tools", "response_format", "stop", "max_tokens") if getattr(self, name))
        )


def needed(
    able: Capabilities, request: ChatRequest, *, tools: bool, thought_in_text: bool, split_thought: bool
) -> Emulation:
    """What `request` wants that an upstream so `able` has not; `tools` says whether its calls are to be ours.

    Raises `InvalidRequest` for what cannot be done either way.
    """
    if not request.tools and _OURS.isdisjoint(request.parameters):
        return Emulation(thought_in_text=thought_in_text, split_thought=split_thought)
    tools = tools and request.wants_tools
    if tools:
        offer_of(request)
    wants_json = _wants_json(request)
    response_format = wants_json and (tools or not able.response_format)
    if response_format:
        schema_of(request.parameters["response_format"])
    ours = tools or response_format or not able.stop  # what could cut into calls and JSON must see what comes of them
    return Emulation(
        tools=tools,
        response_format=response_format,
        stop=_stops(request) if ours else (),
        max_tokens=None if able.token_limit else request.max_tokens,
        thought_in_text=thought_in_text and not wants_json,
        split_thought=split_thought,
    )


def emulated(ask: Ask, request: ChatRequest, emulation: Emulation) -> AsyncGenerator[Batch]:
    """What the upstream that `ask` asks answers to `request`, with what it lacks itself."""
    if emulation.split_thought:
        ask = partial(_split, ask)
    if emulation.tools:
        ask = partial(with_tools, ask)
    if emulation.max_tokens is not None:
        ask = partial(_limited, ask, emulation.max_tokens)
    if emulation.response_format:
        ask = partial(with_json, ask)
    transforms: list[Transform] = []
    if emulation.stop:
        transforms.append(StopSequences(emulation.stop))
    if emulation.thought_in_text:
        transforms.append(ThoughtInText())
    stream = ask(_without_ours(request, emulation))
    return transformed(stream, transforms) if transforms else stream


def _split(ask: Ask, request: ChatRequest) -> AsyncGenerator[Batch]:
    return transformed(ask(request), [LeadingThought()])


def _limited(ask: Ask, limit: int, request: ChatRequest) -> AsyncGenerator[Batch]:
    return transformed(ask(request), [TokenLimit(limit)])


def _without_ours(request: ChatRequest, emulation: Emulation) -> ChatRequest:
    """The request without the parameters that we see to; tools and JSON are put into words by those who do."""
    ours = {"stop"} if emulation.stop else set()
    if emulation.max_tokens is not None:
        ours |= {"max_tokens", "max_completion_tokens"}
    return replace(request, parameters={name: value for name, value in request.parameters.items() if name not in ours})


def _wants_json(request: ChatRequest) -> bool:
    wanted = request.parameters.get("response_format")
    return wanted is not None and wanted.get("type") != "text"


def _stops(request: ChatRequest) -> tuple[str, ...]:
    stop = request.parameters.get("stop") or ()
    return tuple(sequence for sequence in ([stop] if isinstance(stop, str) else stop) if sequence)
