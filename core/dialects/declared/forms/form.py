"""What every form has, and what several of them need."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from core.chat.requests import BuiltinTool, FunctionTool, Json, Message, ToolChoice
from core.dialects.folding import fold

Tool: TypeAlias = FunctionTool | BuiltinTool


@dataclass(frozen=True, slots=True)
class Form:
    """How a service takes a conversation.

    `system` says whether its messages have a system role, and `must_hold` whether they must hold the picture that a
    URL names, since the service does not follow it.
    """

    messages: Callable[[Sequence[Message]], list[Json]]
    system: bool = True
    tools: Callable[[Sequence[Tool]], Json] | None = None
    tool_choice: Callable[[ToolChoice], Json] | None = None
    must_hold: Callable[[str], bool] = lambda _: False


def json_object(text: str) -> dict[str, Json]:
    """The object that `text` is as JSON; anything else as the only entry of one."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = text
    return value if isinstance(value, dict) else {"result": value}


def in_words(message: Message) -> str:
    """A turn for services that know no tools: its text, with calls and results in the words of a folded one."""
    return fold([message]) if message.role == "tool" or message.tool_calls else message.text
