"""Every preset against the recordings of its dialect: whole, cut in two everywhere, and byte by byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.chat.errors import ConfigError, UpstreamError
from core.chat.options import Options
from core.chat.requests import ToolCall
from core.dialects.declared import presets
from core.dialects.declared.description import read_description
from core.dialects.inline import SplitThinkTags, Transform
from tests.dialects.declared.replaying import Outcome, replayed
from tests.support.recordings import Recording, cuts, recordings

STREAMS = {name: it for name, it in recordings("declared").items() if it.expect["http"]["status"] == 200}
TRANSFORMS: dict[str, Callable[[], Transform]] = {"split_think_tags": SplitThinkTags}
DIALECTS = {recording.expect["dialect"] for recording in STREAMS.values()}
RESPONSES = {name: presets.response(name) for name in DIALECTS}


def replay(recording: Recording, chunks: list[bytes]) -> Outcome:
    transform = TRANSFORMS.get(recording.expect.get("transform", ""))
    return replayed(RESPONSES[recording.expect["dialect"]], chunks, transform)


def check(outcome: Outcome, expect: dict[str, Any]) -> None:
    answer, finish = outcome.completion, outcome.completion.finish
    assert answer.text == expect["text"]
    assert answer.reasoning == expect["reasoning"]
    assert answer.images == expect["images"]
    check_calls(answer.tool_calls, expect["tool_calls"])
    assert (finish.reason if finish else "error" if answer.text else None) == expect["finish_reason"]
    check_usage(outcome, expect["usage"])
    check_error(outcome.error, expect["error"])


def check_calls(calls: list[ToolCall], expected: list[dict[str, Any]]) -> None:
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        (call["name"], call["arguments"]) for call in expected
    ]
    for call, wanted in zip(calls, expected, strict=True):
        assert call.call_id == wanted["id"] if wanted["id"] else call.call_id


def check_usage(outcome: Outcome, expected: dict[str, Any] | None) -> None:
    usage = outcome.completion.finish.usage if outcome.completion.finish else None
    if expected is None or usage is None:
        assert usage is expected
        return
    assert usage.prompt_tokens == expected["prompt_tokens"]
    assert usage.completion_tokens == expected["completion_tokens"]
    assert usage.total_tokens == expected["total_tokens"]
    assert usage.cached_tokens == expected.get("prompt_tokens_details", {}).get("cached_tokens")
    assert usage.reasoning_tokens == expected.get("completion_tokens_details", {}).get("reasoning_tokens")


def check_error(error: UpstreamError | None, expected: dict[str, Any] | None) -> None:
    if expected is None or error is None:
        assert error is expected
        return
    assert expected["message_contains"] in error.message
    if expected["client_status"]:
        assert error.status == expected["client_status"]


@pytest.mark.parametrize("name", STREAMS)
def test_a_recording_means_what_it_means_however_it_is_cut(name: str) -> None:
    for chunks in cuts(STREAMS[name].raw):
        check(replay(STREAMS[name], chunks), STREAMS[name].expect)


@given(st.sampled_from(sorted(STREAMS)), st.data())
@settings(max_examples=200)
def test_a_recording_means_what_it_means_in_any_chunks(name: str, data: st.DataObject) -> None:
    raw = STREAMS[name].raw
    places = sorted(data.draw(st.lists(st.integers(1, len(raw) - 1), unique=True)))
    chunks = [raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)]
    check(replay(STREAMS[name], chunks), STREAMS[name].expect)


@given(st.sampled_from(sorted(STREAMS)), st.data())
@settings(max_examples=300)
def test_a_damaged_recording_is_an_answer_or_an_upstream_error(name: str, data: st.DataObject) -> None:
    raw = bytearray(STREAMS[name].raw)
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)):
        raw[place] = data.draw(st.integers(0, 255))
    outcome = replay(STREAMS[name], [bytes(raw)])
    assert (outcome.completion.finish is None) == (outcome.error is not None)
    outcome.completion.text.encode()


END_IS_KNOWN = [
    name
    for name, recording in STREAMS.items()
    if recording.expect["finish_reason"] in {"stop", "length", "tool_calls"}
    and recording.expect["dialect"] not in {"plain-text", "aisdk-v4"}
]


@pytest.mark.parametrize("name", END_IS_KNOWN)
def test_an_answer_cut_before_its_end_never_looks_complete(name: str) -> None:
    recording = STREAMS[name]
    for length in range(1, len(recording.raw)):
        outcome = replay(recording, [recording.raw[:length]])
        if outcome.completion.finish:
            assert outcome.completion.text == recording.expect["text"]
            assert len(outcome.completion.tool_calls) == len(recording.expect["tool_calls"])


def test_every_preset_has_a_recording() -> None:
    assert set(presets.names()) == DIALECTS


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_makes_a_provider(name: str) -> None:
    options = Options("providers.x", {"preset": name, "url": "https://upstream.example/chat"})
    description = read_description(options)
    options.done()
    assert description.request.names & {"message", "messages"}


def test_what_a_preset_can_do_follows_from_its_template() -> None:
    def can(name: str) -> tuple[bool, bool]:
        table = {"preset": name, "url": "https://upstream.example/chat"}
        capabilities = read_description(Options("providers.x", table)).request.capabilities
        return capabilities.tools, capabilities.images

    assert can("openai-sse") == can("anthropic-sse") == can("gemini-json-array") == (True, True)
    assert can("coze-v3") == (False, True)
    assert can("plain-text") == (False, False)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no preset 'nope'; there are aisdk-v4, .*tgi-sse"):
        presets.load("nope")
