from typing import Any

import pytest

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.events import Finish, StreamEvent, TextDelta
from core.providers.gptanon import Decoder
from core.wire.decoding import decode_chunk, decode_end
from core.wire.sse import SSEFraming
from tests.support.recordings import Recording, cuts, recordings, replay, sse

RECORDINGS = recordings("gptanon")
DONE = {"type": "done"}


def token(text: str) -> dict[str, str]:
    return {"type": "token", "token": text}


def decoded(*events: Any) -> list[StreamEvent]:
    framing, decoder = SSEFraming(), Decoder()
    return [*decode_chunk(sse(*events), framing, decoder), *decode_end(framing, decoder)]


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=RECORDINGS)
def test_recordings_mean_the_same_however_they_are_cut(recording: Recording) -> None:
    raw = "eof" if recording.expect.get("upstream_incomplete") else None
    for chunks in cuts(recording.raw):
        got = replay(chunks, SSEFraming(), Decoder())
        assert got.text == recording.expect["text"]
        assert got.finish == Finish(recording.expect["finish_reason"], raw, usage=recording.expect["usage"])


@pytest.mark.parametrize("end", [{"type": "complete", "content": "A"}, b"[DONE]", DONE])
def test_each_end_marker_will_do(end: Any) -> None:
    assert decoded(token("A"), end) == [TextDelta("A"), Finish("stop")]


def test_nothing_after_done_is_read() -> None:
    assert decoded(token("A"), DONE, token("B"), {"type": "error"}) == [TextDelta("A"), Finish("stop")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [("Hello", "Hello"), ("Hello there", "Hello there"), ("Hel", "Hello"), ("Other", "Hello"), (None, "Hello")],
)
def test_complete_adds_only_what_the_tokens_did_not_bring(content: str | None, expected: str) -> None:
    complete = {"type": "complete", "content": content}
    events = decoded(token("Hel"), token("lo"), complete, complete, DONE)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == expected


def test_half_a_character_waits_for_its_other_half() -> None:
    assert decoded(token("a\ud83d"), token("\ude00b"), DONE) == [TextDelta("a"), TextDelta("😀b"), Finish("stop")]


def test_half_a_character_is_completed_by_complete() -> None:
    events = decoded(token("a\ud83d"), {"type": "complete", "content": "a😀!"}, DONE)
    assert events == [TextDelta("a"), TextDelta("😀!"), Finish("stop")]


def test_half_a_character_at_the_end_is_not_lost_silently() -> None:
    assert decoded(token("a\ud83d"), DONE) == [TextDelta("a"), TextDelta("\ufffd"), Finish("stop")]


@pytest.mark.parametrize("odd", [token(""), {"type": "token"}, {"type": "token", "token": None}, {"type": 7}, {}])
def test_events_without_text_are_passed_over(odd: Any) -> None:
    assert decoded(odd, token("x"), DONE) == [TextDelta("x"), Finish("stop")]


@pytest.mark.parametrize("broken", [b'{"type":"tok', b"17", b"null", b"[" * 100_000])
def test_two_broken_events_in_a_row_are_skipped_and_three_are_not(broken: bytes) -> None:
    assert decoded(broken, broken, token("x"), broken, broken, DONE) == [TextDelta("x"), Finish("stop")]
    with pytest.raises(UpstreamBadResponse):
        decoded(token("x"), broken, broken, broken, DONE)


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        ({"type": "error", "message": "boom"}, 502, "upstream_stream_error"),
        ({"error": "boom"}, 502, "upstream_stream_error"),
        ({"type": "error", "error": {"message": "boom", "code": 429}}, 429, "rate_limited"),
    ],
)
def test_an_error_event_is_an_error(event: Any, status: int, code: str) -> None:
    with pytest.raises(UpstreamError, match="boom") as raised:
        decoded(token("x"), event, DONE)
    assert (raised.value.status, raised.value.code) == (status, code)
