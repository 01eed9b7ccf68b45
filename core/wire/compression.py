"""Undoes Content-Encoding, within bounds: nobody's small gzip becomes our whole memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from core.chat.errors import UpstreamBadResponse, UpstreamTruncated

MAX_RATIO: Final = 100
RATIO_SLACK: Final = 1024 * 1024
"""Output that is allowed whatever it was made from: a short, repetitive answer is no bomb."""

_PIECE: Final = 256 * 1024
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_RAW: Final = -zlib.MAX_WBITS
_GZIP_MAGIC: Final = b"\x1f\x8b"
_READABLE: Final = frozenset({"gzip", "x-gzip", "deflate"})
_OTHERS: Final = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})


def inflater_for(content_encoding: str) -> Inflater | None:
    """What undoes `content_encoding`; None where there is nothing to undo.

    A word that names no compression (`utf-8`, `none`) is a mistake for another header, and changes nothing.
    """
    words = [word.strip() for word in content_encoding.lower().split(",")]
    codings = [word for word in words if word in _READABLE | _OTHERS]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] in _OTHERS:
        raise UpstreamBadResponse(f"The upstream compressed its answer ({content_encoding[:40]}) though told not to.")
    return Inflater(may_be_raw=codings[0] == "deflate")


class Inflater:
    """Decompresses gzip, also of several members, and zlib; and deflate without a header where that `may_be_raw`."""

    def __init__(self, *, may_be_raw: bool) -> None:
        self._may_be_raw = may_be_raw
        self._stream: zlib._Decompress | None = None
        self._start = b""
        """The first byte of a stream: it takes two to see what it is."""
        self._taken = 0
        self._given = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What `chunk` decompresses to, in pieces of bounded size."""
        chunk, self._start = self._start + chunk, b""
        while chunk:
            if self._stream is None or self._stream.eof:
                if len(chunk) < len(_GZIP_MAGIC):
                    self._start = chunk
                    return
                self._stream = zlib.decompressobj(_RAW if self._may_be_raw and _is_raw(chunk) else _GZIP_OR_ZLIB)
            try:
                piece = self._stream.decompress(chunk, _PIECE)
            except zlib.error as error:
                raise UpstreamBadResponse("The upstream's compressed answer cannot be decompressed.") from error
            rest = self._stream.unconsumed_tail or self._stream.unused_data
            self._count(len(chunk) - len(rest), len(piece))
            chunk = rest
            if piece:
                yield piece

    def end(self) -> None:
        """Raises `UpstreamTruncated` where the body may not end here."""
        if self._start or (self._stream is not None and not self._stream.eof):
            raise UpstreamTruncated

    def _count(self, taken: int, given: int) -> None:
        self._taken += taken
        self._given += given
        if self._given > MAX_RATIO * self._taken + RATIO_SLACK:
            raise UpstreamBadResponse("The upstream's compressed answer grows beyond all measure.")


def _is_raw(start: bytes) -> bool:
    """True where the first two bytes are no header of gzip (RFC 1952) or zlib (RFC 1950)."""
    is_zlib = start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2], "big") % 31 == 0
    return not is_zlib and not start.startswith(_GZIP_MAGIC)
