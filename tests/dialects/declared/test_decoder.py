"""The decoder by single knobs, and what it does with damage, silence and failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat.errors import UpstreamBadResponse, UpstreamError, UpstreamTruncated
from core.chat.events import (
    Finish,
    ImageOutput,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextReplacement,
    Usage,
)
from core.dialects.declared.decoder import Decoder
from core.wire.frames import Frame
from tests.dialects.declared.replaying import Outcome, collected, described, replayed


def lines(*events: Any) -> list[bytes]:
    return [(event if isinstance(event, str) else json.dumps(event)).encode() + b"\n" for event in events]


def outcome(table: dict[str, Any], *events: Any) -> Outcome:
    """What NDJSON events come to."""
    return replayed(described(framing="ndjson", **table), lines(*events))


def failure(table: dict[str, Any], *events: Any) -> UpstreamError:
    error = outcome(table, *events).error
    assert error is not None
    return error


FLAT: dict[str, Any] = {"discriminator": "type", "text": {"on": "text", "path": "text"}, "end": {"on": "done"}}
TEXT, DONE = {"type": "text", "text": "Hello"}, {"type": "done"}


def test_text_comes_only_from_the_kinds_it_is_declared_for() -> None:
    answer = outcome(FLAT, TEXT, {"type": "status", "text": "busy"}, DONE).completion
    assert (answer.text, answer.finish) == ("Hello", Finish("stop"))


def test_several_places_of_text_are_joined_in_order() -> None:
    table = {"text": ["parts.*.text", "tail"], "end": {"flag": "done"}}
    event = {"parts": [{"text": "Hel"}, {"text": None}, {"text": 5}, {"text": "lo"}], "tail": "!", "done": True}
    assert outcome(table, event).completion.text == "Hello!"


def test_reasoning_refusal_and_pictures_are_told_apart() -> None:
    table = {
        "text": "text",
        "reasoning": "why",
        "refusal": "no",
        "images": ["image", {"path": "inline", "data": "b64", "mime": "type"}, {"path": "bare", "data": "$"}],
        "end": {"flag": "done"},
    }
    decoder = Decoder(described(framing="ndjson", **table))
    event = {
        "why": "w",
        "no": "n",
        "text": "t",
        "image": "https://x/y.png",
        "inline": {"b64": "AA", "type": "image/gif"},
    }
    assert list(decoder.decode(Frame(json.dumps({**event, "bare": "BB"})))) == [
        ReasoningDelta("w"),
        RefusalDelta("n"),
        TextDelta("t"),
        ImageOutput("https://x/y.png"),
        ImageOutput("data:image/gif;base64,AA"),
        ImageOutput("data:image/png;base64,BB"),
    ]


def test_a_rewritten_text_is_a_replacement_and_a_rewritten_thought_is_let_be() -> None:
    table = {
        "text": {"path": "t", "cumulative": True},
        "reasoning": {"path": "r", "cumulative": True},
        "end": {"flag": "done"},
    }
    decoder = Decoder(described(framing="ndjson", **table))
    told = [
        list(decoder.decode(Frame(json.dumps(event))))
        for event in ({"t": "ab", "r": "x"}, {"t": "ac", "r": "y"}, {"r": "yz"})
    ]
    assert told == [[ReasoningDelta("x"), TextDelta("ab")], [TextReplacement("ac")], [ReasoningDelta("z")]]


def test_an_empty_text_at_the_end_takes_nothing_back() -> None:
    table = {"text": {"path": "t", "cumulative": True}, "end": {"flag": "done"}}
    assert outcome(table, {"t": "Hello"}, {"t": "", "done": True}).completion.text == "Hello"


def test_a_replacement_is_the_text_from_then_on() -> None:
    table = {"text": "t", "replace": "instead", "finish": {"path": "instead", "reason": "content_filter"}}
    answer = outcome(table, {"t": "Bad"}, {"instead": "Good"}).completion
    assert (answer.text, answer.finish) == ("Good", Finish("content_filter", "Good"))


def test_a_whole_text_after_a_replacement_goes_on_from_it() -> None:
    table = {"text": {"path": "t", "cumulative": True}, "replace": "instead", "end": {"flag": "done"}}
    decoder = Decoder(described(framing="ndjson", **table))
    told = [
        list(decoder.decode(Frame(json.dumps(event)))) for event in ({"t": "Bad"}, {"instead": "Go"}, {"t": "Good"})
    ]
    assert told == [[TextDelta("Bad")], [TextReplacement("Go")], [TextDelta("od")]]


FINAL = {"discriminator": "type", "text": {"on": "text", "path": "text"}, "text_final": {"on": "all", "path": "text"}}


def test_the_whole_text_again_is_used_only_where_there_was_none() -> None:
    whole = {"type": "all", "text": "Hello"}
    assert (
        outcome(FINAL, {"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}, whole).completion.text
        == "Hello"
    )
    assert outcome(FINAL, whole).completion.text == "Hello"


def test_the_whole_text_is_an_end_by_itself_unless_more_follows() -> None:
    assert outcome(FINAL, {"type": "all", "text": "Hello"}).completion.finish == Finish("stop")
    assert isinstance(failure(FINAL, {"type": "all", "text": "Hello"}, TEXT), UpstreamTruncated)


@pytest.mark.parametrize(
    ("word", "reason"), [("eos", "stop"), ("MAX_TOKENS", "length"), ("own-word", "length"), ("unheard-of", "stop")]
)
def test_the_upstreams_word_is_kept_beside_ours(word: str, reason: str) -> None:
    table = {"text": "t", "finish": "why", "finish_map": {"own-word": "length"}}
    assert outcome(table, {"t": "a"}, {"why": word}).completion.finish == Finish(reason, word)


def test_tool_calls_make_the_reason() -> None:
    table = {"text": "t", "tool_calls": {"path": "call", "name": "name", "arguments": "args", "whole": True}}
    call = {"call": {"name": "f", "args": {"a": 1}}}
    answer = outcome({**table, "end": {"flag": "done"}}, call, {"done": True}).completion
    assert answer.finish == Finish("tool_calls")
    assert [(made.name, made.arguments) for made in answer.tool_calls] == [("f", '{"a": 1}')]
    assert outcome({**table, "finish": "end"}, call, {"end": "length"}).completion.finish == Finish("length", "length")


def test_an_index_is_the_same_however_it_is_written() -> None:
    table = {"tool_calls": {"path": "c", "key": "i", "name": "n", "arguments": "a"}, "end": {"flag": "done"}}
    events = [{"c": {"i": 0, "n": "f", "a": "{"}}, {"c": {"i": 1, "n": "g"}}, {"c": {"i": 0.0, "a": "}"}}]
    calls = outcome(table, *events, {"c": {"i": "1", "a": "[]"}, "done": True}).completion.tool_calls
    assert [(call.name, call.arguments) for call in calls] == [("f", "{}"), ("g", "[]")]


def test_an_empty_reason_is_none() -> None:
    assert isinstance(failure({"text": "t", "finish": "why"}, {"t": "a", "why": ""}), UpstreamTruncated)


def test_an_end_that_says_it_failed_is_a_failure() -> None:
    result = outcome({"text": "t", "finish": "why", "end": {"flag": "done"}}, {"t": "a", "why": "ERROR", "done": True})
    assert (result.completion.text, result.completion.finish) == ("a", None)
    assert result.error
    assert result.error.code == "upstream_stream_error"


def test_counts_are_summed_and_the_last_of_each_counts() -> None:
    table = {
        "text": "t",
        "finish": "end",
        "usage": {
            "prompt": ["u.in", "u.cached"],
            "completion": "u.out | v.out",
            "cached": "u.cached",
            "reasoning": "u.why",
        },
    }
    answer = outcome(table, {"u": {"in": 8, "cached": 2, "out": 1}}, {"t": "a"}, {"v": {"out": "9"}, "end": "stop"})
    assert answer.completion.finish == Finish("stop", "stop", Usage(10, 9, cached_tokens=2))


@pytest.mark.parametrize("counts", [{"in": 1}, {"in": None, "out": 2}, {"in": -1, "out": 2}, {"in": 0, "out": 0}])
def test_counts_that_are_missing_or_make_no_sense_are_none(counts: dict[str, Any]) -> None:
    table = {"text": "t", "finish": "end", "usage": {"prompt": "in", "completion": "out"}}
    answer = outcome(table, {"t": "a"}, {**counts, "end": "stop"}).completion
    assert answer.finish == Finish("stop", "stop", None)


@pytest.mark.parametrize(
    ("end", "event"),
    [
        ({"data": "[END]"}, "[END]"),
        ({"data": ["bye", "[END]"]}, '"[END]"'),
        ({"on": ["over", "done"]}, {"type": "done"}),
        ({"flag": "final"}, {"final": True}),
        ({"flag": ["a", "final"]}, {"final": 1}),
    ],
)
def test_what_ends_an_answer(end: dict[str, Any], event: Any) -> None:
    table = {"discriminator": "type", "text": "t", "end": end}
    result = outcome(table, {"t": "a"}, event, {"t": "after the end"})
    assert (result.completion.text, result.completion.finish) == ("a", Finish("stop"))
    assert isinstance(failure(table, {"t": "a"}), UpstreamTruncated)


def test_a_flag_that_is_not_set_ends_nothing() -> None:
    table = {"text": "t", "end": {"flag": "done"}}
    assert outcome(table, {"t": "a", "done": False}, {"t": "b", "done": True}).completion.text == "ab"


def test_the_bodys_end_counts_only_where_it_is_declared() -> None:
    assert outcome({"text": "t", "end": {"eof": "always"}}, {"t": "a"}).completion.finish == Finish("stop")
    assert isinstance(failure({"text": "t"}, {"t": "a"}), UpstreamTruncated)


def test_the_bodys_end_is_no_end_after_a_damaged_event() -> None:
    assert isinstance(failure({"text": "t", "end": {"eof": "always"}}, {"t": "a"}, '{"t": "b'), UpstreamTruncated)


def test_more_text_takes_a_reason_to_finish_back() -> None:
    table = {"text": "t", "finish": "end"}
    assert isinstance(failure(table, {"t": "a"}, {"end": "tool-calls"}, {"t": "b"}), UpstreamTruncated)
    assert outcome(table, {"t": "a"}, {"end": "x"}, {"t": "b"}, {"end": "length"}).completion.finish == Finish(
        "length", "length"
    )


def test_single_damaged_events_are_skipped() -> None:
    answer = outcome(FLAT, "{", TEXT, "<", "{]", TEXT, "[" * 100_000, DONE).completion
    assert answer.text == "HelloHello"


def test_three_damaged_events_in_a_row_are_another_dialect() -> None:
    result = outcome(FLAT, TEXT, "x", "y", "z", TEXT, DONE)
    assert isinstance(result.error, UpstreamBadResponse)
    assert result.completion.text == "Hello"


def test_nothing_but_damage_is_no_answer() -> None:
    assert isinstance(failure(FLAT, "x"), UpstreamBadResponse)
    assert isinstance(failure({**FLAT, "end": {"data": "[DONE]"}}, "x", "[DONE]"), UpstreamBadResponse)


def test_noise_is_no_damage() -> None:
    table = {**FLAT, "ignore": ["ping", ": alive"]}
    assert outcome(table, "ping", " ping ", "ping", ": alive", TEXT, "ping", DONE).completion.text == "Hello"


@pytest.mark.parametrize("events", [[], [DONE], [{"type": "status"}], [{"type": "text", "text": ""}, DONE]])
def test_an_answer_of_nothing_is_an_error(events: list[Any]) -> None:
    assert failure(FLAT, *events).code == "upstream_empty"


def test_a_reason_without_text_is_an_answer() -> None:
    table = {"text": "t", "finish": {"path": "blocked", "reason": "content_filter"}}
    assert outcome(table, {"blocked": "SAFETY"}).completion.finish == Finish("content_filter", "SAFETY")


@pytest.mark.parametrize(
    ("event", "message", "status"),
    [
        ({"code": 401, "message": "token expired"}, "token expired", 503),
        ({"success": False, "msg": "no luck"}, "no luck", 502),
        ({"error": {"message": "slow down", "type": "rate_limit"}}, "slow down", 429),
    ],
)
def test_a_lone_event_that_complains_is_an_error_even_if_nobody_declared_it(
    event: Any, message: str, status: int
) -> None:
    error = failure(FLAT, event)
    assert (error.message, error.status) == (message, status)


@pytest.mark.parametrize(
    ("rules", "event", "message"),
    [
        ("error", {"error": {"message": "boom"}}, "boom"),
        ("error", {"error": "boom"}, "boom"),
        ("error | msg", {"msg": "boom"}, "boom"),
        ({"on": "fail", "path": "$"}, {"type": "fail", "message": "boom"}, "boom"),
        (["$[error]", "$[ok=false]"], {"ok": False, "detail": "boom"}, "boom"),
        ("$[code][code!=0]", {"code": 4100, "msg": "boom"}, "boom"),
        ("error", {"error": True}, "The upstream reported an error."),
    ],
)
def test_errors_are_found_where_they_are_declared(rules: Any, event: Any, message: str) -> None:
    table = {**FLAT, "error": rules}
    result = outcome(table, TEXT, event, DONE)
    assert result.completion.text == "Hello"
    assert result.error
    assert result.error.message == message


@pytest.mark.parametrize("event", [{"error": None}, {"error": ""}, {"error": False}, {"error": {}}, {"code": 0}])
def test_an_error_field_without_an_error_is_none(event: Any) -> None:
    table = {**FLAT, "error": ["$[error]", "$[code]", "error"]}
    assert outcome(table, event, TEXT, DONE).completion.finish == Finish("stop")


def test_the_map_of_errors_applies_within_a_stream() -> None:
    table = {**FLAT, "error": "error", "error_map": {"contains": "no more today", "becomes": 429}}
    assert failure(table, {"error": "No more today"}).status == 429


@pytest.mark.parametrize(
    ("discriminator", "frame", "kind"),
    [
        ("@event", Frame("{}", "delta"), "delta"),
        ("@event", Frame("{}"), "message"),
        ("@event | type", Frame('{"type":"t"}', "message"), "t"),
        ("type | @event", Frame('{"type":"t"}', "e"), "t"),
        ("created | message", Frame('{"message":true}'), "message"),
        ("created | final", Frame('{"created":false,"final":{"a":1}}'), "final"),
        ("a.b | type", Frame('{"a":{"b":"x"},"type":"t"}'), "x"),
        ("type", Frame('{"type":3}'), "3"),
        ("type", Frame('"text"'), "message"),
    ],
)
def test_what_kind_of_event_it_is(discriminator: str, frame: Frame, kind: str) -> None:
    assert described(discriminator=discriminator).kind_of(frame, json.loads(frame.data)) == kind


def test_paths_begin_in_the_payload() -> None:
    table = {**FLAT, "payload": "data | $"}
    events = [
        {"type": "text", "data": {"text": "Hel"}},
        {"type": "text", "data": '{"text":"lo"}'},
        {"type": "text", "text": "!"},
    ]
    assert outcome(table, *events, {"type": "done", "data": "[no JSON"}).completion.text == "Hello!"


def test_characters_cut_in_half_between_events_are_whole() -> None:
    table = {"text": "t", "reasoning": "r", "end": {"flag": "done"}}
    answer = outcome(
        table, '{"t":"a\\ud83d","r":"\\ud83d"}', '{"t":"\\ude00"}', '{"r":"\\ude01","t":"\\ud83d","done":true}'
    )
    assert (answer.completion.text, answer.completion.reasoning) == ("a😀\ufffd", "😁")


def test_a_json_answer_is_read_by_its_own_rules() -> None:
    response = described(
        text="delta", end={"data": "[DONE]"}, json_answer={"text": "message", "end": {"eof": "always"}}
    )
    assert replayed(response, [b' {"message": "Hel', b'lo"}']).completion.text == "Hello"
    assert replayed(response, [b'data: {"delta": "Hi"}\n\ndata: [DONE]\n\n']).completion.text == "Hi"


def test_a_json_answer_needs_no_rules_of_its_own() -> None:
    response = described(text="content", error="$[error]", end={"flag": "done"})
    assert replayed(response, [b'{"content": "Hello", "done": true}']).completion.text == "Hello"
    error = replayed(response, [b'{"error": "no"}']).error
    assert error
    assert error.message == "no"


def test_text_that_only_looks_like_json_is_text() -> None:
    response = described(framing="raw_text", text="$")
    assert replayed(response, [b"{x}"]).completion.text == "{x}"
    assert response.for_answer(b"{", "application/json").framing == "json_concat"


def test_the_decoder_says_when_it_has_finished() -> None:
    decoder = Decoder(described(text="t", end={"data": "[DONE]"}))
    assert list(decoder.decode(Frame('{"t":"a"}'))) == [TextDelta("a")]
    assert not decoder.finished
    assert list(decoder.decode(Frame("[DONE]"))) == [Finish("stop")]
    assert decoder.finished


def test_an_outcome_is_collected_up_to_the_failure() -> None:
    response = described(framing="ndjson", **FLAT, error="$[error]")
    result = collected(lines(TEXT, {"error": "x"}, TEXT), response.new_framing(), Decoder(response))
    assert result.completion.text == "Hello"
    assert result.error
