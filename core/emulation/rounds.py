"""What it takes to ask an upstream in words, perhaps more than once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from core.chat.events import Batch, Usage
from core.chat.requests import ChatRequest, Message, Text

Ask: TypeAlias = Callable[[ChatRequest], AsyncGenerator[Batch]]
"""Asks the upstream itself: the same one at each call, with the same token. Closing the answer lets go of it."""


def instructed(messages: Sequence[Message], words: str) -> tuple[Message, ...]:
    """`words` in the first system message, or in one of their own: some models allow only one."""
    place = next((place for place, message in enumerate(messages) if message.role == "system"), None)
    if place is None:
        return (Message("system", words), *messages)
    return (*messages[:place], appended(messages[place], words), *messages[place + 1 :])


def appended(message: Message, words: str) -> Message:
    content = message.content
    if isinstance(content, tuple):
        return replace(message, content=(*content, Text(f"\n\n{words}")))
    return replace(message, content=f"{content}\n\n{words}" if content else words)


def summed(one: Usage | None, other: Usage | None) -> Usage | None:
    """What two answers cost together; None where that is not known of both."""
    if one is None or other is None or one.estimated or other.estimated:
        return None
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        (one.cached_tokens or 0) + (other.cached_tokens or 0) or None,
        (one.reasoning_tokens or 0) + (other.reasoning_tokens or 0) or None,
    )
