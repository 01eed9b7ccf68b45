"""Plain text: whatever arrived is a frame."""

from __future__ import annotations

import codecs

from core.wire.frames import Frame

_Decoder = codecs.getincrementaldecoder("utf-8")


class TextFraming:
    """Each chunk's text is a frame; half a code point waits for its other half."""

    def __init__(self) -> None:
        self._decoder = _Decoder()

    def feed(self, chunk: bytes) -> list[Frame]:
        return self._decode(chunk, final=False)

    def end(self) -> list[Frame]:
        return self._decode(b"", final=True)

    def _decode(self, chunk: bytes, *, final: bool) -> list[Frame]:
        damaged = False
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            damaged = True
            text = self._replace(chunk, final)
        return [Frame(text, damaged=damaged)] if text else []

    def _replace(self, chunk: bytes, final: bool) -> str:
        lenient = _Decoder("replace")
        lenient.setstate(self._decoder.getstate())
        text = lenient.decode(chunk, final)
        self._decoder.setstate(lenient.getstate())
        return text
