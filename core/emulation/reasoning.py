"""A model's thinking: taken out of the text where an upstream leaves it there, and put in for whoever looks there."""

from __future__ import annotations

from core.chat.events import Batch, Notice, ReasoningDelta, StreamEvent, TextDelta, TextReplacement
from core.dialects.inline import overlap

OPEN, CLOSE = "<think>", "</think>"


class LeadingThought:
    """`<think>…</think>` at the very beginning of an answer is reasoning; so is all after a tag that is never closed.

    A tag anywhere else is left alone: the answer may be about it. `settled` is True once nothing can change any more.
    """

    def __init__(self) -> None:
        self.settled = False
        self._step = self._open
        self._pending = ""
        self._thought = False

    def pass_on(self, batch: Batch) -> Batch:
        return batch if self.settled else [passed for event in batch for passed in self._pass(event)]

    def _pass(self, event: StreamEvent) -> list[StreamEvent]:
        match event:
            case TextDelta(text):
                self.settled = self.settled or (self._step == self._open and not self._pending and _is_plain(text))
                return [event] if self.settled else self._step(text)
            case TextReplacement(text) if not self.settled:
                return self._replace(text)
            case Notice():
                return [event]
        return [*self._interrupt(), event]

    def _open(self, text: str) -> list[StreamEvent]:
        """So far there was nothing but blank space, or a part of the tag."""
        self._pending += text
        begun = self._pending.lstrip()
        if begun.startswith(OPEN):
            self._pending, self._step = "", self._think
            return self._think(begun[len(OPEN) :])
        return [] if OPEN.startswith(begun) else self._interrupt()

    def _think(self, text: str) -> list[StreamEvent]:
        self._pending += text
        thought, closed, rest = self._pending.partition(CLOSE)
        if closed:
            self._pending, self._step = "", self._skip_blank
            return [*self._tell(thought.rstrip()), *self._skip_blank(rest)]
        kept = len(self._pending) - overlap(self._pending, CLOSE)
        thought = self._pending[:kept].rstrip()
        self._pending = self._pending[len(thought) :]
        return self._tell(thought)

    def _tell(self, thought: str) -> list[StreamEvent]:
        if not self._thought:
            thought = thought.lstrip()
        self._thought = self._thought or bool(thought)
        return [ReasoningDelta(thought)] if thought else []

    def _skip_blank(self, text: str) -> list[StreamEvent]:
        text = text.lstrip()
        if text:
            self._step = self._speak
        return self._speak(text)

    def _speak(self, text: str) -> list[StreamEvent]:
        return [TextDelta(text)] if text else []

    def _interrupt(self) -> list[StreamEvent]:
        """What was held back, before something that is no text; without a tag so far there is nothing to find."""
        rest, self._pending = self._pending, ""
        if self._step == self._think:
            return self._tell(rest)
        self.settled = self.settled or self._step == self._open
        return self._speak(rest)

    def _replace(self, text: str) -> list[StreamEvent]:
        """What was thought is not taken back, nor told twice."""
        told = self._thought
        self._pending, self._step = "", self._open
        events = self._open(text)
        thoughts = [] if told else [event for event in events if isinstance(event, ReasoningDelta)]
        return [*thoughts, TextReplacement("".join(event.text for event in events if isinstance(event, TextDelta)))]


def _is_plain(text: str) -> bool:
    """Whether it can be seen at once that no tag begins here, as nearly always."""
    return text[:1] not in {"", "<"} and not text[0].isspace()


class ThoughtInText:
    """Reasoning goes into the text, between `<think>` and `</think>`."""

    def __init__(self) -> None:
        self._thinking = False
        self._shown: list[str] = []

    def pass_on(self, batch: Batch) -> Batch:
        return [passed for event in batch for passed in self._pass(event)]

    def _pass(self, event: StreamEvent) -> list[StreamEvent]:
        match event:
            case ReasoningDelta(text):
                return [self._show(text if self._thinking else f"{OPEN}\n{text}", thinking=True)]
            case Notice():
                return [event]
            case TextReplacement(text):
                self._close()
                return [TextReplacement("".join(self._shown) + text)]
        return [*self._close(), event]

    def _close(self) -> list[StreamEvent]:
        return [self._show(f"\n{CLOSE}\n\n", thinking=False)] if self._thinking else []

    def _show(self, text: str, *, thinking: bool) -> TextDelta:
        self._thinking = thinking
        self._shown.append(text)
        return TextDelta(text)
