"""What Puter answers, and what it means."""

import json
from typing import Any

import pytest

from core.chat.completion import Completion
from core.chat.errors import UpstreamBadResponse, UpstreamTruncated
from core.chat.events import Finish, ImageOutput, ReasoningDelta, StreamEvent, TextDelta, ToolCallStart, Usage
from core.providers.puter.answer import Decoder
from core.providers.puter.models import Vendor
from core.wire.decoding import decode_chunk, decode_end
from core.wire.lines import LineFraming
from tests.support.recordings import replay

UNKNOWN = Vendor("", "some-model")
END = {"type": "usage", "usage": {}}


def lines(*values: Any) -> bytes:
    return b"".join((value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n" for value in values)


def decoded(*values: Any, vendor: Vendor = UNKNOWN, limit: int | None = None) -> list[StreamEvent]:
    framing, decoder = LineFraming(), Decoder(vendor, limit)
    return [*decode_chunk(lines(*values), framing, decoder), *decode_end(framing, decoder)]


def whole(message: Any, vendor: Vendor = UNKNOWN, usage: Any = None, **result: Any) -> Completion:
    envelope = {"success": True, "result": {"message": message, "usage": usage, **result}}
    return replay([lines(envelope)], LineFraming(), Decoder(vendor))


# streams


@pytest.mark.parametrize("end", [{"type": "usage"}, END, {"type": "usage", "usage": {"usd_cents": None}}])
def test_an_end_without_counts_is_an_end(end: Any) -> None:
    assert decoded({"type": "text", "text": "A"}, end) == [TextDelta("A"), Finish("stop")]


def test_nothing_after_the_end_is_read() -> None:
    assert decoded(END, {"type": "error", "message": "late"}) == [Finish("stop")]


@pytest.mark.parametrize(
    "line", [b"[]", b'"text"', b"7", b"null", b'{"type":"text","text":null}', b'{"type":7}', b"{}"]
)
def test_lines_that_say_nothing_are_passed_over(line: bytes) -> None:
    assert decoded(line, END) == [Finish("stop")]


def test_an_unreadable_line_is_passed_over_but_not_three_in_a_row() -> None:
    assert decoded(b"{", b"x", {"type": "text", "text": "A"}, b"{", b"x", END) == [TextDelta("A"), Finish("stop")]
    with pytest.raises(UpstreamBadResponse):
        decoded(b"{", b"x", b"{", END)


def test_a_body_that_is_no_json_at_all_is_no_cut_answer() -> None:
    with pytest.raises(UpstreamBadResponse):
        decoded(b"OK")


def test_halves_of_a_character_are_put_together() -> None:
    assert decoded(
        {"type": "reasoning", "reasoning": "\ud83d"},
        {"type": "text", "text": "a\ud83d"},
        {"type": "text", "text": "\ude80b"},
        {"type": "text", "text": "\ud83d"},
        END,
    ) == [TextDelta("a"), TextDelta("🚀b"), ReasoningDelta("�"), TextDelta("�"), Finish("stop")]


def test_calls_without_an_id_or_with_a_taken_one_get_their_own() -> None:
    one = {"type": "tool_use", "id": "c", "name": "look", "input": {"a": "é"}}
    got = replay([lines(one, one, {**one, "id": None, "input": None}, END)], LineFraming(), Decoder(UNKNOWN))
    assert [(call.name, call.arguments) for call in got.tool_calls] == [("look", '{"a": "é"}')] * 2 + [("look", "{}")]
    assert got.tool_calls[0].call_id == "c"
    assert len({call.call_id for call in got.tool_calls}) == 3
    assert got.finish == Finish("tool_calls")


def test_damaged_arguments_are_no_arguments() -> None:
    with pytest.raises(UpstreamTruncated):
        decoded(b'{"type":"tool_use","id":"c","name":"look","input":{"a":"\xff"}}', END)


@pytest.mark.parametrize(("limit", "reason"), [(7, "length"), (8, "stop"), (None, "stop")])
def test_a_stream_as_long_as_allowed_was_cut_by_its_limit(limit: int | None, reason: str) -> None:
    end = {"type": "usage", "usage": {"prompt_tokens": 1, "completion_tokens": 7}}
    [*_, finish] = decoded({"type": "text", "text": "A"}, end, limit=limit)
    assert finish == Finish(reason, None, Usage(1, 7))  # type: ignore[arg-type]  # parametrised
    [*_, finish] = decoded({"type": "tool_use", "id": "c", "name": "look", "input": {}}, end, limit=7)
    assert isinstance(finish, Finish)
    assert finish.reason == "tool_calls"


# whole answers


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": '{"a":1}'}}]},
        {"content": "", "toolCalls": [{"id": "c", "function": {"name": "look", "arguments": {"a": 1}}}]},
        {"content": [{"type": "tool_use", "id": "c", "name": "look", "input": {"a": 1}}]},
        {"content": [{"type": "tool_use", "id": "c", "name": "look", "input": '{"a":1}'}]},
    ],
)
def test_calls_in_every_form(message: Any) -> None:
    got = whole(message, finish_reason="stop")
    [call] = got.tool_calls
    assert (call.call_id, call.name, json.loads(call.arguments)) == ("c", "look", {"a": 1})
    assert got.finish == Finish("tool_calls", "stop")


@pytest.mark.parametrize(
    ("message", "result", "finish"),
    [
        ({"content": "A", "stop_reason": "max_tokens"}, {"finish_reason": "stop"}, Finish("length", "max_tokens")),
        ({"content": "A", "stop_reason": "refusal"}, {"finish_reason": "stop"}, Finish("content_filter", "refusal")),
        ({"content": "A"}, {"finishReason": "length"}, Finish("length", "length")),
        ({"content": "A"}, {"finish_reason": None}, Finish("stop")),
    ],
)
def test_the_vendors_own_word_for_the_end_counts(message: Any, result: Any, finish: Finish) -> None:
    assert whole(message, **result).finish == finish


def test_a_whole_answer_says_itself_whether_its_limit_cut_it() -> None:
    result = {"message": {"content": "A"}, "finish_reason": "stop", "usage": {"prompt": 1, "completion": 7}}
    [*_, finish] = decoded({"success": True, "result": result}, limit=7)
    assert finish == Finish("stop", "stop", Usage(1, 7))


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_thoughts_beside_the_text(name: str) -> None:
    got = whole({"content": "A", name: "Hm."})
    assert (got.reasoning, got.text) == ("Hm.", "A")


def test_everything_else_that_a_message_holds() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://img.example/1.png"}}
    got = whole(
        {
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "A"}, picture, "junk"],
            "refusal": "No.",
            "images": [{**picture, "image_url": {"url": "https://img.example/2.png"}}, None, {"type": "image_url"}],
        }
    )
    assert (got.reasoning, got.text, got.refusal) == ("Hm.", "A", "No.")
    assert got.images == ["https://img.example/1.png", "https://img.example/2.png"]


def test_a_picture_is_an_event_of_its_own() -> None:
    image = {"type": "image", "image": {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}}
    assert decoded(image, END) == [ImageOutput("data:image/png;base64,AA=="), Finish("stop")]


def test_a_call_is_told_before_its_arguments() -> None:
    [start, *_] = decoded({"type": "tool_use", "id": "c", "name": "look", "input": {}}, END)
    assert start == ToolCallStart("c", "look")


@pytest.mark.parametrize("result", [None, "text", [], {}, {"message": None}, {"message": "text"}])
def test_an_envelope_without_a_message_is_no_answer(result: Any) -> None:
    with pytest.raises(UpstreamBadResponse):
        decoded({"success": True, "result": result})


def test_whoever_served_in_fact_decides_how_counts_are_read() -> None:
    served = {"service_used": "deepseek", "providerUsed": "deepseek-v4"}
    counts = {"prompt_tokens": 16, "completion_tokens": 7, "cached_tokens": 5}
    envelope = {"success": True, "result": {"message": {"content": "A"}, "usage": counts}, "metadata": served}
    [*_, finish] = decoded(envelope, vendor=Vendor("openai-completion", "gpt-4o"))
    assert finish == Finish("stop", None, Usage(16, 7, 5))
