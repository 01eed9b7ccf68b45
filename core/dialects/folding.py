"""A whole conversation as one text, for upstreams that take a single message and keep no history.

    [system]
    Be brief.

    [user]
    Is it cold in Oslo?

    [assistant]
    Let me look.

    [tool call: weather (call_1)]
    {"city": "Oslo"}

    [tool result (call_1)]
    7 °C

A line of somebody's text that begins like such a heading gets a backslash before its bracket, and one that was
escaped already gets one more: no text can pretend to be another turn, and dropping one backslash gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.chat.requests import Message

_BREAKS = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_INVISIBLE = r"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_HEADING = re.compile(
    rf"(?<![^{_BREAKS}])((?:[^\S{_BREAKS}]|[{_INVISIBLE}])*)"
    r"(\\*\[\s*(?:(?:system|user|assistant)\s*|tool\s+(?:call|result)[^\]\n]*)\])",
    re.IGNORECASE,
)


def fold(messages: Sequence[Message]) -> str:
    """`messages` as one text: a lone user turn as it stands, anything longer turn by turn under headings."""
    if len(messages) == 1 and messages[0].role == "user":
        return messages[0].text
    return "\n\n".join(f"[{heading}]\n{_escaped(text)}" for message in messages for heading, text in _blocks(message))


def _blocks(message: Message) -> Iterator[tuple[str, str]]:
    """The headings of one turn, each with the text below it."""
    if message.role == "tool":
        yield f"tool result ({_on_one_line(message.tool_call_id or '')})", message.text
    elif message.text or not message.tool_calls:
        yield message.role, message.text
    for call in message.tool_calls:
        yield f"tool call: {_on_one_line(call.name)} ({_on_one_line(call.call_id)})", call.arguments


def _escaped(text: str) -> str:
    return _HEADING.sub(r"\1\\\2", text)


def _on_one_line(name: str) -> str:
    return " ".join(name.split())
