"""Server-sent events, as WHATWG defines the event stream: https://html.spec.whatwg.org/#event-stream-interpretation."""

from __future__ import annotations

from collections.abc import Iterable

from core.wire.frames import MAX_EVENT, MAX_LINE, Frame, text_frame, too_large

_BOM = b"\xef\xbb\xbf"


class SSEFraming:
    """One frame per event that has a `data` field, also for the event that the body's end cuts short.

    Works on blocks, the bytes between two blank lines, because almost every block is a single `data` line.
    """

    def __init__(self) -> None:
        self._start: bytes | None = b""
        """The first bytes while they may still become a byte order mark; None from then on."""
        self._after_cr = False
        self._rest = bytearray()
        """The block whose blank line has not come yet. Its lines end in LF."""
        self._line = 0
        """Where the last line of `_rest` begins."""

    def feed(self, chunk: bytes) -> list[Frame]:
        if self._start is not None:
            chunk = self._without_bom(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_lf(chunk)
        if self._rest:
            if b"\n\n" not in chunk and not (chunk.startswith(b"\n") and self._rest.endswith(b"\n")):
                self._hold(chunk)
                return []
            self._rest += chunk
            chunk = bytes(self._rest)
            self._rest.clear()
            self._line = 0
        blocks = chunk.split(b"\n\n")
        if unfinished := blocks.pop():
            self._hold(unfinished)
        return _frames(blocks)

    def end(self) -> list[Frame]:
        block = (self._start or b"") + self._rest
        self._start = None
        self._rest.clear()
        return _frames([block])

    def _hold(self, part: bytes) -> None:
        line_end = part.rfind(b"\n")
        if line_end >= 0:
            self._line = len(self._rest) + line_end + 1
        self._rest += part
        if len(self._rest) - self._line > MAX_LINE:
            raise too_large(MAX_LINE)
        if len(self._rest) > MAX_EVENT:
            raise too_large(MAX_EVENT)

    def _without_bom(self, chunk: bytes) -> bytes:
        chunk = (self._start or b"") + chunk
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._start = chunk
            return b""
        self._start = None
        return chunk.removeprefix(_BOM)

    def _with_lf(self, chunk: bytes) -> bytes:
        """`chunk` with LF for CR and CRLF. A CR ends its line at once; the LF that may follow it is then swallowed."""
        if not chunk:
            return chunk
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _frames(blocks: Iterable[bytes]) -> list[Frame]:
    frames = []
    for block in blocks:
        if len(block) > MAX_LINE:
            _check_size(block)
        if block.startswith(b"data: ") and b"\n" not in block:
            frames.append(text_frame(block[6:]))
        elif (frame := _frame(block)) is not None:
            frames.append(frame)
    return frames


def _frame(block: bytes) -> Frame | None:
    data: list[bytes] = []
    event = b""
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
    return text_frame(b"\n".join(data), event.decode("utf-8", "replace")) if data else None


def _check_size(block: bytes) -> None:
    if len(block) > MAX_EVENT:
        raise too_large(MAX_EVENT)
    if max(map(len, block.split(b"\n"))) > MAX_LINE:
        raise too_large(MAX_LINE)
