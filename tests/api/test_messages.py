"""What Anthropic's form makes of events that come in an unusual order."""

from __future__ import annotations

from typing import Any

import pytest

from core.api.messages.errors import anthropic_error
from core.api.messages.parse import parse
from core.api.messages.render import MessageRenderer
from core.chat.completion import Completion
from core.chat.errors import InvalidRequest, UpstreamBadResponse
from core.chat.events import (
    Batch,
    Finish,
    FinishReason,
    ImageOutput,
    Notice,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.requests import ChatRequest, Message, ToolCall
from tests.conformance.named_sse import named_events
from tests.conformance.test_messages import blocks

CHAT = ChatRequest("m", (Message("user", "hello"),))


def rendered(*batches: Batch) -> list[dict[str, Any]]:
    renderer = MessageRenderer(CHAT, thinking=True)
    return named_events((b"".join(renderer.batch(0, batch) for batch in batches) + renderer.end()).decode())


def whole(reason: FinishReason, **answer: Any) -> Any:
    return MessageRenderer(CHAT, thinking=False).whole([Completion(**answer, finish=Finish(reason))])


def test_text_within_a_call_waits_for_its_end() -> None:
    """A block may not be interrupted, and nothing is lost."""
    found = blocks(
        rendered(
            [TextDelta("a"), ToolCallStart("1", "f"), ToolCallDelta("1", '{"x"')],
            [TextDelta("b"), TextDelta("c"), ToolCallDelta("1", ":1}")],
            [ToolCallStart("2", "g"), ToolCallDelta("2", "{}"), TextDelta("d"), Finish("tool_calls")],
        )
    )

    assert [(block["type"], block.get("text") or block["partial_json"]) for block in found] == [
        ("text", "a"),
        ("tool_use", '{"x":1}'),
        ("text", "bc"),
        ("tool_use", "{}"),
        ("text", "d"),
    ]


def test_a_picture_is_shown_by_a_link() -> None:
    [block] = blocks(rendered([TextDelta("see "), ImageOutput("https://x.test/a.png"), Finish("stop")]))

    assert block["text"] == "see ![image](https://x.test/a.png)"
    assert whole("stop", text="see ", images=["https://x.test/a.png"])["content"] == [
        {"type": "text", "text": block["text"]}
    ]


def test_what_has_no_place_in_a_stream_is_passed_over() -> None:
    events = rendered([Notice("seed"), TextDelta("a"), TextReplacement("b"), Finish("stop")])

    assert [block["text"] for block in blocks(events)] == ["a"]


def test_cached_tokens_are_counted_apart() -> None:
    events = rendered([TextDelta("a"), Finish("stop", usage=Usage(100, 7, cached_tokens=60))])

    assert events[-2]["usage"] == {
        "input_tokens": 40,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 60,
        "output_tokens": 7,
    }


@pytest.mark.parametrize("arguments", ['{"x":', "[1]", "nonsense"])
def test_arguments_that_are_no_object_are_an_error_and_never_an_empty_input(arguments: str) -> None:
    with pytest.raises(UpstreamBadResponse):
        whole("tool_calls", tool_calls=[ToolCall("1", "f", arguments)])


def test_a_call_that_the_token_limit_cut_off_is_left_out() -> None:
    message = whole("length", text="so", tool_calls=[ToolCall("1", "f", '{"x":'), ToolCall("2", "g", "")])

    assert message["content"] == [
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "2", "name": "g", "input": {}},
    ]


def test_a_turn_may_hold_nothing_but_thoughts_but_not_the_whole_conversation() -> None:
    thoughts = {"role": "assistant", "content": [{"type": "thinking", "thinking": "x"}]}

    assert parse({"model": "m", "messages": [{"role": "user", "content": "x"}, thoughts]}).chat.messages == (
        Message("user", "x"),
    )
    with pytest.raises(InvalidRequest):
        parse({"model": "m", "messages": [thoughts]})


@pytest.mark.parametrize(
    ("finish", "reason", "sequence"),
    [
        (Finish("stop"), "end_turn", None),
        (Finish("stop", stop_sequence="END"), "stop_sequence", "END"),
        (Finish("stop", "stop_sequence"), "stop_sequence", None),
        (Finish("length", "stop_sequence"), "max_tokens", None),
    ],
)
def test_an_answer_that_a_stop_sequence_ended_says_so(finish: Finish, reason: str, sequence: str | None) -> None:
    [*_, end, _] = rendered([TextDelta("a"), finish])
    assert end["delta"] == {"stop_reason": reason, "stop_sequence": sequence}

    said = MessageRenderer(CHAT, thinking=False).whole([Completion(text="a", finish=finish)])
    assert (said["stop_reason"], said["stop_sequence"]) == (reason, sequence)


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_a_thread_is_refused_in_the_words_that_clients_know(thread: Any) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    with pytest.raises(InvalidRequest) as refused:
        parse({**body, "thread": thread})
    assert anthropic_error(refused.value)["error"]["details"]["error_code"] == "thread_unsupported_request"
    assert parse({**body, "thread": False}).ignored == ()
    assert "details" not in anthropic_error(InvalidRequest("It is wrong."))["error"]
