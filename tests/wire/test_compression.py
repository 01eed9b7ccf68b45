import gzip
import itertools
import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat.errors import UpstreamBadResponse, UpstreamTruncated
from core.wire.compression import Inflater, inflater_for
from tests.support.framing import CUTS, cut_at, pieces, unhurried
from tests.support.recordings import cuts


def raw_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(body) + deflater.flush()


def inflate(*chunks: bytes, may_be_raw: bool = False) -> bytes:
    inflater = Inflater(may_be_raw=may_be_raw)
    found = b"".join(piece for chunk in chunks for piece in inflater.feed(chunk))
    inflater.end()
    return found


@unhurried
@given(st.binary(max_size=64), st.sampled_from([gzip.compress, zlib.compress, raw_deflate]), CUTS)
def test_any_pieces(body: bytes, compress: Callable[[bytes], bytes], offsets: list[int]) -> None:
    assert inflate(*cut_at(compress(body), offsets), may_be_raw=compress is not gzip.compress) == body


def test_large_bodies_come_in_pieces() -> None:
    body = random.Random(1).randbytes(64 * 1024) * 64
    assert inflate(*pieces(gzip.compress(body), 1000)) == body
    assert max(map(len, Inflater(may_be_raw=False).feed(gzip.compress(body)))) <= 256 * 1024


def test_several_gzip_members() -> None:
    assert inflate(gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"


def test_what_was_flushed_is_given_at_once() -> None:
    deflater = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    inflater = Inflater(may_be_raw=False)
    for event in (b"data: a\n\n", b"data: b\n\n"):
        chunk = deflater.compress(event) + deflater.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(inflater.feed(chunk)) == event


def test_an_empty_body_is_no_truncated_one() -> None:
    assert inflate() == b""


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, raw_deflate])
def test_a_truncated_body(compress: Callable[[bytes], bytes]) -> None:
    body = compress(bytes(range(256)))
    for end in range(1, len(body)):
        with pytest.raises(UpstreamTruncated):
            inflate(body[:end], may_be_raw=compress is raw_deflate)


@pytest.mark.parametrize("body", [b'{"plain": true}', gzip.compress(b"hello")[:-8] + bytes(8), raw_deflate(b"hello")])
def test_a_body_that_is_not_the_gzip_it_says(body: bytes) -> None:
    for chunks in cuts(body):
        with pytest.raises(UpstreamBadResponse):
            inflate(*chunks)


@pytest.mark.parametrize("size", [100, 1_000_000])
def test_a_bomb_is_stopped_before_it_has_grown(size: int) -> None:
    inflater = Inflater(may_be_raw=False)
    bomb = pieces(gzip.compress(bytes(64 * 1024 * 1024)), size)
    grown = itertools.accumulate(len(piece) for chunk in bomb for piece in inflater.feed(chunk))
    with pytest.raises(UpstreamBadResponse):
        list(itertools.takewhile(lambda size: size < 8 * 1024 * 1024, grown))


def test_a_repetitive_answer_is_no_bomb() -> None:
    assert len(inflate(gzip.compress(bytes(1_000_000)))) == 1_000_000


@pytest.mark.parametrize("encoding", ["", "identity", "none", "utf-8"])
def test_nothing_to_undo(encoding: str) -> None:
    assert inflater_for(encoding) is None


@pytest.mark.parametrize("encoding", ["gzip", "GZip", "x-gzip", "deflate", "identity, gzip"])
def test_something_to_undo(encoding: str) -> None:
    assert inflater_for(encoding) is not None


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "gzip, gzip"])
def test_what_we_cannot_undo(encoding: str) -> None:
    with pytest.raises(UpstreamBadResponse, match=encoding):
        inflater_for(encoding)
