from hypothesis import example, given
from hypothesis import strategies as st

from core.wire.frames import Frame
from core.wire.text import TextFraming
from tests.support.framing import CUTS, cut_at, frames, texts, unhurried

BODIES = st.binary(max_size=16) | st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace"))


@unhurried
@given(BODIES, CUTS)
@example("é😀".encode(), [1, 3, 4, 5])
@example(b"\xf0\x9fA\xe2\x82", [1, 2, 3, 4])
def test_nothing_is_dropped(body: bytes, offsets: list[int]) -> None:
    found = frames(TextFraming(), *cut_at(body, offsets))
    assert "".join(texts(found)) == body.decode("utf-8", "replace")


@unhurried
@given(BODIES, CUTS)
def test_a_frame_is_damaged_only_where_the_bytes_were(body: bytes, offsets: list[int]) -> None:
    found = frames(TextFraming(), *cut_at(body, offsets))
    assert any(frame.damaged for frame in found) == (body.decode("utf-8", "ignore").encode() != body)


def test_each_chunk_is_a_frame_but_half_a_code_point_waits() -> None:
    framing = TextFraming()
    assert framing.feed(b"Hel\xc3") == [Frame("Hel")]
    assert framing.feed(b"\xa9") == [Frame("é")]
    assert framing.feed(b"\xff lo") == [Frame("\ufffd lo", damaged=True)]
    assert framing.feed(b"\xe2\x82") == []
    assert framing.end() == [Frame("\ufffd", damaged=True)]


def test_a_replacement_character_that_was_sent_is_no_damage() -> None:
    assert frames(TextFraming(), "\ufffd".encode()) == [Frame("\ufffd")]
