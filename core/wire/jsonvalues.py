"""JSON values out of a stream: objects one after another, the elements of one array, or one document in pieces."""

from __future__ import annotations

import re

from core.wire.frames import MAX_EVENT, Frame, text_frame, too_large

# What ends each state of the scanner. Separators are white space, commas, the record separator of RFC 7464
# and a byte order mark.
_VALUE = re.compile(rb"[^\s,\x1e\xef\xbb\xbf]")
_BRACKET = re.compile(rb'["{}\[\]]')
_QUOTE = re.compile(rb'["\\]')
_SCALAR_END = re.compile(rb"[\s,\]\x1e]")


class JsonValuesFraming:
    """One frame per top-level value; a top-level array gives one per element.

    It only finds where values end, so every byte is looked at once; whether a value is JSON, its reader will see.
    A value that the body's end cuts off is no frame.
    """

    def __init__(self) -> None:
        self._wanted = _VALUE
        self._value = bytearray()
        self._depth = 0
        self._in_array = False
        self._skip = 0
        """How many bytes at the start of the next chunk an escape covers."""

    def feed(self, chunk: bytes) -> list[Frame]:
        frames: list[Frame] = []
        start, at = 0, min(self._skip, len(chunk))
        self._skip -= at
        while found := self._wanted.search(chunk, at):
            wanted, byte, at = self._wanted, found[0], found.end()
            if wanted is _VALUE:
                start = found.start()
                self._begin(byte)
                continue
            if wanted is _QUOTE and byte == b"\\":
                at += 1
                continue
            if wanted is _SCALAR_END:
                at = found.start()
            if self._ends(byte):
                frames.append(self._complete(chunk[start:at]))
        self._skip += max(0, at - len(chunk))
        if self._wanted is not _VALUE:
            self._hold(chunk[start:])
        return frames

    def end(self) -> list[Frame]:
        return [self._complete(b"")] if self._wanted is _SCALAR_END else []

    def _begin(self, byte: bytes) -> None:
        if byte == b"]" or (byte == b"[" and not self._in_array):
            self._in_array = byte == b"["
        elif byte in b"{[":
            self._depth = 1
            self._wanted = _BRACKET
        else:
            self._wanted = _QUOTE if byte == b'"' else _SCALAR_END

    def _ends(self, byte: bytes) -> bool:
        """Takes one byte that the scanner stopped at; true where it is the value's last."""
        if self._wanted is _SCALAR_END:
            return True
        if self._wanted is _QUOTE:
            self._wanted = _BRACKET
        elif byte == b'"':
            self._wanted = _QUOTE
        else:
            self._depth += 1 if byte in b"{[" else -1
        return self._wanted is _BRACKET and self._depth == 0

    def _hold(self, part: bytes) -> None:
        self._value += part
        if len(self._value) > MAX_EVENT:
            raise too_large(MAX_EVENT)

    def _complete(self, part: bytes) -> Frame:
        self._hold(part)
        frame = text_frame(bytes(self._value))
        self._value.clear()
        self._wanted = _VALUE
        return frame
