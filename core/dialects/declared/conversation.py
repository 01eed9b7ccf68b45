"""Which turns of a conversation an upstream is sent, and where its system prompt goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.chat.requests import ContentPart, Image, Message, Text
from core.dialects.folding import fold

HISTORIES = ("full", "folded", "last")
SYSTEMS = ("message", "field", "first_user")


def arranged(messages: Sequence[Message], history: str, system: str) -> tuple[Message, ...]:
    """The turns that are left when `system` has its way and `history` is `last`."""
    turns = tuple(messages)
    if system == "field":
        turns = tuple(turn for turn in turns if turn.role != "system")
    elif system == "first_user":
        turns = _with_system_in_first_user(turns)
    if history == "last":
        system_turns = tuple(turn for turn in turns if turn.role == "system")
        turns = system_turns + tuple(turn for turn in turns if turn.role == "user")[-1:]
    return turns


def folded(turns: Sequence[Message]) -> Message:
    """All turns as one of the user, with their pictures."""
    text = fold(turns)
    pictures = tuple(part for turn in turns for part in turn.parts if isinstance(part, Image))
    return Message("user", (Text(text), *pictures) if pictures else text)


def text_only(turn: Message) -> Message:
    """The turn without its pictures."""
    return replace(turn, content=turn.text) if isinstance(turn.content, tuple) else turn


def system_text(messages: Sequence[Message]) -> str:
    return "\n\n".join(message.text for message in messages if message.role == "system")


def last_user_text(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def image_urls(messages: Sequence[Message]) -> list[str]:
    return [part.url for message in messages for part in message.parts if isinstance(part, Image)]


def _with_system_in_first_user(turns: tuple[Message, ...]) -> tuple[Message, ...]:
    prompt = system_text(turns)
    others = [turn for turn in turns if turn.role != "system"]
    if not prompt:
        return tuple(others)
    place = next((place for place, turn in enumerate(others) if turn.role == "user"), None)
    if place is None:
        return (Message("user", prompt), *others)
    others[place] = replace(others[place], content=_prefixed(others[place], f"{prompt}\n\n"))
    return tuple(others)


def _prefixed(turn: Message, prefix: str) -> str | tuple[ContentPart, ...]:
    return (Text(prefix), *turn.content) if isinstance(turn.content, tuple) else prefix + turn.text
