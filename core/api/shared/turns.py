"""A conversation that is put together piece by piece, where a client's own pieces are not whole messages."""

from __future__ import annotations

from dataclasses import replace

from core.api.shared.fields import invalid
from core.chat.requests import ContentPart, Image, Message, Text, ToolCall

PICTURES = "Pictures from the results of tools:"


class Turns:
    """Messages in the order that chat services want: the results of tools directly behind the calls.

    They take no pictures in those results, so these follow in a message of the user's.
    """

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._pictures: list[Image] = []
        self._called: set[str] = set()

    def add(self, message: Message) -> None:
        self._show_pictures()
        self._called.update(call.call_id for call in message.tool_calls)
        self._messages.append(message)

    def call(self, call: ToolCall) -> None:
        """One more call by the assistant, in the turn that it has already begun."""
        last = self._messages[-1] if self._messages and not self._pictures else None
        if last is None or last.role != "assistant":
            self.add(Message("assistant", None, (call,)))
            return
        self._called.add(call.call_id)
        self._messages[-1] = replace(last, tool_calls=(*last.tool_calls, call))

    def result(self, call_id: str, content: str | tuple[ContentPart, ...], path: str) -> None:
        """What a tool said. Raises `InvalidRequest` naming `path` where nobody had called it."""
        if call_id not in self._called:
            raise invalid(path, "answers no call of a tool before it")
        if not isinstance(content, str):
            self._pictures += [part for part in content if isinstance(part, Image)]
            content = plain(tuple(part for part in content if not isinstance(part, Image)))
        self._messages.append(Message("tool", content, tool_call_id=call_id))

    def messages(self) -> tuple[Message, ...]:
        self._show_pictures()
        return tuple(self._messages)

    def _show_pictures(self) -> None:
        if self._pictures:
            self._messages.append(Message("user", (Text(PICTURES), *self._pictures)))
            self._pictures = []


def plain(parts: tuple[ContentPart, ...]) -> str | tuple[ContentPart, ...]:
    """A string where that says the same: many services take nothing else."""
    if not parts:
        return ""
    [first, *others] = parts
    return first.text if not others and isinstance(first, Text) and not first.extra else parts
