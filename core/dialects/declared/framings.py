"""The framings that a description can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.wire.frames import MAX_EVENT, Frame, Framing, text_frame, too_large
from core.wire.jsonvalues import JsonValuesFraming
from core.wire.lines import LineFraming
from core.wire.sse import SSEFraming
from core.wire.text import TextFraming


class Lines(LineFraming):
    """Lines whose last one counts though nothing ends it: if it was cut, its decoder will see."""

    def end(self) -> list[Frame]:
        return self.feed(b"\n")


class TolerantLines(Lines):
    """Lines with or without `data:` in front; the other fields of SSE, and its comments, are noise."""

    def __init__(self) -> None:
        super().__init__(sse_prefix=True)

    def feed(self, chunk: bytes) -> list[Frame]:
        return [frame for frame in super().feed(chunk) if not frame.data.startswith((":", "event:", "id:", "retry:"))]


class WholeFraming:
    """The whole body is one frame."""

    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, chunk: bytes) -> list[Frame]:
        self._body += chunk
        if len(self._body) > MAX_EVENT:
            raise too_large(MAX_EVENT)
        return []

    def end(self) -> list[Frame]:
        body = bytes(self._body).removeprefix(b"\xef\xbb\xbf").strip()
        return [text_frame(body)] if body else []


FRAMINGS: Mapping[str, Callable[[], Framing]] = {
    "sse": SSEFraming,
    "ndjson": Lines,
    "lines": TolerantLines,
    "prefix_lines": lambda: Lines(codes=True),
    "json_array": JsonValuesFraming,
    "json_concat": JsonValuesFraming,
    "json_once": WholeFraming,
    "raw_text": TextFraming,
}

WHOLE_AT_EOF = frozenset({"json_once", "raw_text"})
"""Framings whose answers have no end but that of the body."""

NEVER_JSON = frozenset({"sse", "prefix_lines"})
"""Framings whose answers cannot begin like JSON: one that does is something else."""
