"""Undoes Content-Encoding, within bounds: nobody's small gzip becomes our whole memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from core.chat.errors import UpstreamBadResponse, UpstreamTruncated

MAX_RATIO = 100
RATIO_SLACK = 1024 * 1024
"""Output that is allowed whatever it was made from: a short, repetitive answer is no bomb."""

_PIECE = 256 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_REFUSED = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})


def inflater_for(content_encoding: str) -> Inflater | None:
    """What undoes `content_encoding`; None where there is nothing to undo.

    A word that names no compression (`utf-8`, `none`) is a mistake for another header, and changes nothing.
    """
    codings = [coding for word in content_encoding.lower().split(",") if (coding := word.strip())]
    packed = [coding for coding in codings if coding in _REFUSED or coding in {"gzip", "x-gzip", "deflate"}]
    if not packed:
        return None
    if len(packed) > 1 or packed[0] in _REFUSED:
        raise UpstreamBadResponse(f"The upstream compressed its answer ({content_encoding[:40]}) though told not to.")
    return Inflater()


class Inflater:
    """Decompresses gzip (also of several members) and deflate (with or without its zlib header)."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._taken = 0
        self._given = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What `chunk` decompresses to, in pieces of bounded size."""
        while chunk:
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            piece = self._decompress(chunk)
            rest = self._stream.unconsumed_tail or self._stream.unused_data
            self._taken += len(chunk) - len(rest)
            self._given += len(piece)
            if self._given > MAX_RATIO * self._taken + RATIO_SLACK:
                raise UpstreamBadResponse("The upstream's compressed answer grows beyond all measure.")
            chunk = rest
            if piece:
                yield piece

    def end(self) -> None:
        """Raises `UpstreamTruncated` where the body may not end here."""
        if self._taken and not self._stream.eof:
            raise UpstreamTruncated

    def _decompress(self, chunk: bytes) -> bytes:
        try:
            return self._stream.decompress(chunk, _PIECE)
        except zlib.error:
            if self._taken:
                raise _unreadable() from None
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return self._stream.decompress(chunk, _PIECE)
        except zlib.error:
            raise _unreadable() from None


def _unreadable() -> UpstreamBadResponse:
    return UpstreamBadResponse("The upstream's compressed answer cannot be decompressed.")
