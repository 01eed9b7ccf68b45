"""One frame per line: NDJSON, and the lines of the Vercel AI SDK's data stream (`CODE:json`)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from core.chat.errors import UpstreamTruncated
from core.wire.frames import MAX_LINE, Frame, text_frame, too_large

_BOM = b"\xef\xbb\xbf"


class LineFraming:
    """Cuts at LF and drops CR; blank lines are no frames.

    `sse_prefix` tolerates a `data:` in front of a line. `codes` takes what stands before a line's first colon as the
    frame's `event`. A last line without LF counts only where it is whole JSON: else it was cut. With `cut_is_error` one
    that began as a JSON object raises `UpstreamTruncated`: for dialects in which nothing but the body's end is an end.
    """

    def __init__(self, *, sse_prefix: bool = False, codes: bool = False, cut_is_error: bool = False) -> None:
        self._sse_prefix = sse_prefix
        self._codes = codes
        self._cut_is_error = cut_is_error
        self._rest = bytearray()
        self._first = True

    def feed(self, chunk: bytes) -> list[Frame]:
        end = chunk.find(b"\n")
        if end < 0:
            self._rest += chunk
            if len(self._rest) > MAX_LINE:
                raise too_large(MAX_LINE)
            return []
        if self._rest:
            self._rest += chunk[:end]
            first = bytes(self._rest)
            self._rest.clear()
            lines = [first, *chunk[end + 1 :].split(b"\n")]
        else:
            lines = chunk.split(b"\n")
        self._rest += lines.pop()
        return self._frames(lines)

    def end(self) -> list[Frame]:
        frames = self._frames([bytes(self._rest)])
        self._rest.clear()
        whole = [frame for frame in frames if _is_json(frame.data)]
        if self._cut_is_error and not whole and any(frame.data.startswith("{") for frame in frames):
            raise UpstreamTruncated
        return whole

    def _frames(self, lines: Iterable[bytes]) -> list[Frame]:
        frames = []
        for line in lines:
            if len(line) > MAX_LINE:
                raise too_large(MAX_LINE)
            if self._first:
                self._first = False
                line = line.removeprefix(_BOM)  # noqa: PLW2901  # only the first line can have one
            if line and not line.isspace():
                frames.append(self._frame(line.rstrip(b"\r")))
        return frames

    def _frame(self, line: bytes) -> Frame:
        if self._sse_prefix and line.startswith(b"data:"):
            line = line[6:] if line.startswith(b"data: ") else line[5:]
        if self._codes:
            code, colon, rest = line.partition(b":")
            if colon:
                return text_frame(rest, code.decode("utf-8", "replace"))
        return text_frame(line)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
