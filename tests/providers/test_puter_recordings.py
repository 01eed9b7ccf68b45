"""Recorded and captured answers of Puter's, in bytes cut anywhere."""

import json

import pytest

from core.chat.completion import Completion
from core.chat.errors import Retry, UpstreamError, UpstreamTruncated
from core.chat.events import Finish, TextDelta, Usage
from core.chat.requests import ToolCall
from core.providers.puter.answer import Decoder
from core.providers.puter.models import Catalogue, Vendor
from core.wire.decoding import decode_chunk
from core.wire.lines import LineFraming
from tests.support.puter import Capture, caller_of, captures, framing_of
from tests.support.recordings import Recording, cuts, recordings, replay

ANSWERS = {
    name: recording
    for name, recording in recordings("puter").items()
    if recording.expect["http"]["status"] == 200 and "messages" in recording.exchange["openai_request"]
}
GOOD = {name: recording for name, recording in ANSWERS.items() if recording.expect["error"] is None}
BAD = {name: recording for name, recording in ANSWERS.items() if name not in GOOD}
CAPTURES = captures()

HELLO = "Hello from upstream"
WORLD = "Hello wörld 日本🚀"


def decoder_for(recording: Recording) -> Decoder:
    request = caller_of(recording)
    return Decoder(Catalogue().vendor(request.model), request.max_tokens)


def usage_of(recording: Recording) -> Usage | None:
    if (expected := recording.expect["usage"]) is None:
        return None
    cached = expected.get("prompt_tokens_details", {}).get("cached_tokens")
    return Usage(expected["prompt_tokens"], expected["completion_tokens"], cached)


@pytest.mark.parametrize("recording", GOOD.values(), ids=GOOD)
def test_recordings_mean_the_same_however_they_are_cut(recording: Recording) -> None:
    expect = recording.expect
    for chunks in cuts(recording.raw):
        got = replay(chunks, framing_of(expect["http"]["headers"]), decoder_for(recording))
        assert (got.text, got.reasoning, got.images) == (expect["text"], expect["reasoning"], expect["images"])
        calls = [
            {"id": call.call_id, "name": call.name, "arguments": json.loads(call.arguments)} for call in got.tool_calls
        ]
        assert calls == expect["tool_calls"]
        assert got.finish is not None
        assert (got.finish.reason, got.finish.usage) == (expect["finish_reason"], usage_of(recording))


@pytest.mark.parametrize("recording", GOOD.values(), ids=GOOD)
def test_no_beginning_of_a_recording_looks_complete(recording: Recording) -> None:
    end = len(recording.raw.rstrip())
    for offset in range(end):
        with pytest.raises(UpstreamTruncated):
            replay([recording.raw[:offset]], framing_of(recording.expect["http"]["headers"]), decoder_for(recording))


@pytest.mark.parametrize("recording", BAD.values(), ids=BAD)
def test_recorded_failures_are_failures_however_they_are_cut(recording: Recording) -> None:
    error = recording.expect["error"]
    for chunks in cuts(recording.raw):
        with pytest.raises(UpstreamError) as raised:
            replay(chunks, framing_of(recording.expect["http"]["headers"]), decoder_for(recording))
        assert raised.value.status == (error["client_status"] or 502)
        assert raised.value.code == error["openai_code"]
        assert error["message_contains"] in raised.value.message


def test_text_before_a_failure_was_said() -> None:
    framing, decoder = LineFraming(), Decoder(Vendor("", "m"))
    said, failed = ANSWERS["puter-chat-error-midstream"].raw.splitlines(keepends=True)
    assert list(decode_chunk(said, framing, decoder)) == [TextDelta("Par")]
    with pytest.raises(UpstreamError):
        list(decode_chunk(failed, framing, decoder))


# captures


def answer(text: str, finish: Finish, reasoning: str = "", *calls: ToolCall) -> Completion:
    return Completion(text, reasoning, tool_calls=list(calls), finish=finish)


OPENAI_USAGE, CLAUDE_USAGE = Usage(21, 7, 5), Usage(21, 7)
STOPPED, STREAMED = Finish("stop", "stop", OPENAI_USAGE), Finish("stop", None, OPENAI_USAGE)
CALL = '{"city":"Paris"}'


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("10_chat_openai_nonstream", answer(HELLO, STOPPED)),
        ("11_chat_openai_stream", answer(WORLD, STREAMED)),
        (
            "12_chat_openai_tools_nonstream",
            answer("", Finish("tool_calls", "tool_calls", OPENAI_USAGE), "", ToolCall("call_abc", "get_weather", CALL)),
        ),
        ("15j_openai_stream_tools_empty_args", answer(WORLD, STREAMED)),
        ("17_chat_openai_reasoning_nonstream", answer(HELLO, STOPPED, "thinking...")),
        ("18_chat_openai_reasoning_stream", answer(WORLD, STREAMED, "thinking")),
        ("19_chat_openai_normalize", answer(HELLO, STOPPED)),
        ("21_chat_openai_length_finish", answer(HELLO, Finish("length", "length", OPENAI_USAGE))),
        ("25_chat_claude_nonstream", answer("Hello from claude", Finish("stop", "end_turn", CLAUDE_USAGE))),
        ("26_chat_claude_stream", answer("Hello claude", Finish("stop", None, CLAUDE_USAGE))),
        (
            "27_chat_claude_tools_nonstream",
            answer(
                "Let me check.",
                Finish("tool_calls", "tool_use", CLAUDE_USAGE),
                "",
                ToolCall("toolu_1", "get_weather", '{"city": "Paris"}'),
            ),
        ),
        ("29d_chat_unicode_model_case", answer(HELLO, STOPPED)),
        ("29e_chat_openai_model_prefixed", answer(HELLO, STOPPED)),
    ],
)
def test_captured_answers(number: str, expected: Completion) -> None:
    capture = CAPTURES[number]
    for chunks in ([chunk.encode() for chunk in capture.chunks], [bytes([byte]) for byte in capture.body]):
        assert replay(chunks, capture.framing, decoder_of(capture)) == expected


def decoder_of(capture: Capture) -> Decoder:
    assert capture.request is not None
    return Decoder(Catalogue().vendor(capture.request["args"]["model"]))


def test_a_captured_stream_that_died_is_a_failure() -> None:
    capture = CAPTURES["23_chat_openai_stream_dies_midway"]
    with pytest.raises(UpstreamError, match="terminated") as raised:
        replay([capture.body], capture.framing, decoder_of(capture))
    assert raised.value.code == "upstream_stream_error"


def test_a_captured_stream_without_its_end_was_cut() -> None:
    capture = CAPTURES["97_client_abort"]
    with pytest.raises(UpstreamTruncated):
        replay([capture.body], capture.framing, decoder_of(capture))


@pytest.mark.parametrize("number", ["49b_worker_token_on_drivers_call", "96_err_concurrency_0"])
def test_whoever_asks_for_nonsense_may_have_it(number: str) -> None:
    capture = CAPTURES[number]
    got = replay([capture.body], capture.framing, decoder_of(capture))
    assert got.text.startswith("<h2>Free AI")
    assert got.finish is not None
    assert got.finish.reason == "stop"


def test_nonsense_in_place_of_an_answer_is_a_refusal() -> None:
    capture = CAPTURES["49b_worker_token_on_drivers_call"]
    with pytest.raises(UpstreamError, match="blocked") as raised:
        replay([capture.body], capture.framing, Decoder(Vendor("openai-completion", "gpt-4o-mini")))
    assert (raised.value.status, raised.value.code, raised.value.retry) == (400, "content_filter", Retry.NEVER)
