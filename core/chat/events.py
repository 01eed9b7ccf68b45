"""The whole vocabulary between providers and APIs: what can happen while a model answers.

Facts, not envelopes: no id of the answer, no timestamp, no index, no "assistant". Each API file makes its own
envelope, and derives the start and end of a content block from runs of one kind of event. A stream ends with
exactly one `Finish`; a failure is an exception (`core.chat.errors`), never an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the visible answer. Never empty; never half a code point."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's thinking, which is not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of the model's own words for why it will not answer."""

    text: str


@dataclass(frozen=True, slots=True)
class TextReplacement:
    """The upstream took its answer back: this is the whole text now. Too late for what was already streamed."""

    text: str


@dataclass(frozen=True, slots=True)
class ImageOutput:
    """A picture that the model made in mid-answer; `url` is an https or a data URL."""

    url: str


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    """The model calls a tool. `call_id` is unique within the answer; its arguments follow."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a call's arguments: a fragment of JSON text, in order, for a call already started."""

    call_id: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A parameter that this provider cannot honour was left out; it is named to the caller, never an error."""

    parameter: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts in OpenAI's sense: `prompt_tokens` includes cached ones, `completion_tokens` reasoning ones.

    `estimated` marks counts that we made up from the text because the upstream gave none.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Finish:
    """The lawful end of an answer. `raw` is the upstream's own word for `reason`, where it had one.

    `stop_sequence` is the one of the caller's that ended it, where that is known.
    """

    reason: FinishReason
    raw: str | None = None
    usage: Usage | None = None
    stop_sequence: str | None = None


StreamEvent: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | TextReplacement
    | ImageOutput
    | ToolCallStart
    | ToolCallDelta
    | Notice
    | Finish
)

Batch: TypeAlias = Sequence[StreamEvent]
"""The events that one read from the upstream brought: they reach the client in one write."""
