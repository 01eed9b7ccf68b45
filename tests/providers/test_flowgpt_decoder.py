from typing import Any

import pytest

from core.chat.errors import UpstreamError
from core.chat.events import Finish, StreamEvent, TextDelta
from core.providers.flowgpt import Decoder
from core.wire.decoding import decode_chunk, decode_end
from core.wire.lines import LineFraming
from tests.support.recordings import ndjson


def text(data: Any) -> dict[str, Any]:
    return {"event": "text", "data": data}


def decoded(body: bytes) -> list[StreamEvent]:
    framing, decoder = LineFraming(), Decoder()
    return [*decode_chunk(body, framing, decoder), *decode_end(framing, decoder)]


def test_only_text_events_are_text() -> None:
    odd = ndjson(text(None), text(""), {"event": "text"}, {"data": "x"}, ["text"], None, {"event": "done"})
    assert decoded(odd + b"[" * 100_000 + b"\n" + ndjson(text("ok"))) == [TextDelta("ok"), Finish("stop")]


def test_half_a_character_waits_for_its_other_half() -> None:
    assert decoded(ndjson(text("a\ud83d"), text("\ude00"))) == [TextDelta("a"), TextDelta("😀"), Finish("stop")]
    assert decoded(ndjson(text("a\ud83d"))) == [TextDelta("a"), TextDelta("\ufffd"), Finish("stop")]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"error": {"message": "boom"}}, "upstream_stream_error"),
        ({"event": "error", "data": "boom"}, "upstream_stream_error"),
        ({"event": "error", "message": "boom"}, "upstream_stream_error"),
        ({"event": "error", "data": {"message": "boom", "code": 429}}, "rate_limited"),
    ],
)
def test_an_error_event_is_an_error(event: Any, code: str) -> None:
    with pytest.raises(UpstreamError, match="boom") as raised:
        decoded(ndjson(text("x"), event))
    assert raised.value.code == code
