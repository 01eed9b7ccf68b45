"""Every preset against the recordings of its dialect: whole, cut in two everywhere, and byte by byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.chat.errors import ConfigError
from core.chat.options import Options
from core.dialects.declared import presets
from core.dialects.declared.description import read_description
from core.dialects.inline import SplitThinkTags, Transform
from tests.dialects.declared.replaying import Outcome, check, replayed
from tests.support.recordings import Recording, cuts, recordings

STREAMS = {name: it for name, it in recordings("declared").items() if it.expect["http"]["status"] == 200}
TRANSFORMS: dict[str, Callable[[], Transform]] = {"split_think_tags": SplitThinkTags}
DIALECTS = {recording.expect["dialect"] for recording in STREAMS.values()}
RESPONSES = {name: presets.response(name) for name in DIALECTS}


def replay(recording: Recording, chunks: list[bytes]) -> Outcome:
    transform = TRANSFORMS.get(recording.expect.get("transform", ""))
    return replayed(RESPONSES[recording.expect["dialect"]], chunks, transform)


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
