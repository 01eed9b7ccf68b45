"""Answers that carry more than the answer in their text: thinking between tags or under headings, a preamble.

Each class here takes the text as it streams and gives the events that it comes to. Where a tag may be in the making,
that much text is held back and no more; however the text was cut on the way, the result is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol

from core.chat.errors import UpstreamError
from core.chat.events import Finish, ReasoningDelta, StreamEvent, TextDelta, TextReplacement
from core.wire.decoding import Decoder
from core.wire.frames import Frame

_MARGIN = 2
"""How many blank characters before a tag count as part of it: a line end and an empty line."""


class Transform(Protocol):
    """Takes the visible text of one answer apart."""

    def feed(self, text: str) -> list[StreamEvent]:
        """The events that `text` completes."""
        ...

    def end(self) -> list[StreamEvent]:
        """What was still held back when the answer ended."""
        ...


class _Sections:
    """Takes what stands between an opening and its closing tag for reasoning; blank space around it is dropped."""

    def __init__(self, tags: Sequence[tuple[str, str]], *, inside: bool = False) -> None:
        self._tags = dict(tags)
        self._closing = tags[0][1] if inside else ""
        """The tag that ends the section we are in; empty outside."""
        self._pending = ""
        self._skip_blank = inside
        self._visible = False

    def feed(self, text: str) -> list[StreamEvent]:
        self._pending += text
        events: list[StreamEvent] = []
        while tag := self._next_tag():
            before, _, self._pending = self._pending.partition(tag)
            events += self._say(before[: len(before) - self._margin(before)])
            self._closing = self._tags.get(tag, "")
            self._skip_blank = bool(self._closing) or not self._visible
        kept = self._unfinished()
        ready, self._pending = self._pending[:kept], self._pending[kept:]
        return events + self._say(ready)

    def end(self) -> list[StreamEvent]:
        rest, self._pending = self._pending, ""
        return self._say(rest)

    def _wanted(self) -> Iterable[str]:
        return (self._closing,) if self._closing else self._tags

    def _next_tag(self) -> str:
        """The wanted tag that comes first in what is pending; empty where there is none."""
        found = [(place, tag) for tag in self._wanted() if (place := self._pending.find(tag)) >= 0]
        return min(found)[1] if found else ""

    def _unfinished(self) -> int:
        """Where the end of what is pending may be the beginning of a tag, with the blank space before it."""
        partial = max(overlap(self._pending, tag) for tag in self._wanted())
        start = len(self._pending) - partial
        return start - self._margin(self._pending[:start])

    def _margin(self, text: str) -> int:
        """How much blank space at the end of `text` goes away with a tag after it: none between visible words."""
        if not self._closing and (self._visible or text.strip()):
            return 0
        tail = text[-_MARGIN:]
        return len(tail) - len(tail.rstrip())

    def _say(self, text: str) -> list[StreamEvent]:
        if self._skip_blank:
            text = text.lstrip()
        if not text:
            return []
        self._skip_blank = False
        if self._closing:
            return [ReasoningDelta(text)]
        self._visible = self._visible or bool(text.strip())
        return [TextDelta(text)]


class SplitThinkTags(_Sections):
    """`<think>…</think>` anywhere in the text is reasoning; so is all that follows a tag that is never closed.

    `inside` is for models whose answer begins within the thinking, because the opening tag was part of the prompt.
    """

    def __init__(self, tag: str = "think", *, inside: bool = False) -> None:
        super().__init__([(f"<{tag}>", f"</{tag}>")], inside=inside)


class SplitInlineReasoning(_Sections):
    """`**Analysis Process:** … **Answer:** …`, in English or Chinese: the first part is reasoning."""

    def __init__(self) -> None:
        super().__init__([("**Analysis Process:**", "**Answer:**"), ("**分析过程：**", "**回答：**")])


class StripPrefixUntil:
    """Drops all text up to `marker` if it begins within the first `within` characters; else nothing is dropped."""

    def __init__(self, marker: str, within: int = 150) -> None:
        self._marker = marker
        self._reach = within + len(marker)
        self._pending: str | None = ""
        """The beginning while the marker may still come; None once that is decided."""
        self._skip_blank = False

    def feed(self, text: str) -> list[StreamEvent]:
        if self._pending is None:
            return self._say(text)
        self._pending += text
        place = self._pending.find(self._marker, 0, self._reach)
        if place >= 0:
            self._skip_blank = True
            return self._decide(self._pending[place + len(self._marker) :])
        return self._decide(self._pending) if len(self._pending) >= self._reach else []

    def end(self) -> list[StreamEvent]:
        return self._decide(self._pending or "")

    def _decide(self, text: str) -> list[StreamEvent]:
        self._pending = None
        return self._say(text)

    def _say(self, text: str) -> list[StreamEvent]:
        if self._skip_blank:
            text = text.lstrip()
        if not text:
            return []
        self._skip_blank = False
        return [TextDelta(text)]


class TransformedDecoder:
    """A decoder whose text goes through a transform; everything else passes as it is."""

    def __init__(self, decoder: Decoder, transform: Callable[[], Transform]) -> None:
        self._decoder = decoder
        self._new_transform = transform
        self._transform = transform()
        self.finished = False

    def decode(self, frame: Frame) -> Iterator[StreamEvent]:
        yield from self._transformed(partial(self._decoder.decode, frame))
        self.finished = self._decoder.finished

    def end(self) -> Iterator[StreamEvent]:
        yield from self._transformed(self._decoder.end)

    def _transformed(self, decode: Callable[[], Iterable[StreamEvent]]) -> Iterator[StreamEvent]:
        try:
            for event in decode():
                yield from self._passed(event)
        except UpstreamError:
            yield from self._transform.end()  # the last words before it
            raise

    def _passed(self, event: StreamEvent) -> Iterator[StreamEvent]:
        match event:
            case TextDelta(text):
                yield from self._transform.feed(text)
            case TextReplacement(text):
                yield self._replacement(text)
            case Finish():
                yield from self._transform.end()
                yield event
            case _:
                yield event

    def _replacement(self, text: str) -> TextReplacement:
        self._transform = self._new_transform()
        events = self._transform.feed(text)
        return TextReplacement("".join(event.text for event in events if isinstance(event, TextDelta)))


def overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` begin `tag` without completing it."""
    longest = min(len(text), len(tag) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(tag[:length])), 0)
