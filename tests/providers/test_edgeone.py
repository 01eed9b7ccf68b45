"""EdgeOne's chatbot starter: recordings in every cut, its errors, and the dialect told from the answer alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.chat.completion import collect
from core.chat.errors import Blame, ConfigError, UpstreamBadResponse, UpstreamError, UpstreamTruncated
from core.chat.events import Finish, Notice, Usage
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, Capabilities, ModelInfo
from core.chat.requests import ChatRequest, Message, Text, ToolCall
from core.dialects.declared import presets
from core.dialects.inline import SplitInlineReasoning, TransformedDecoder
from core.providers.edgeone import ANTHROPIC, GEMINI, OPENAI, AnyVendorDecoder, Provider, dialect_of, encode
from core.wire.client import HttpClient
from core.wire.frames import Frame
from core.wire.sse import SSEFraming
from tests.dialects.declared.replaying import Outcome, check, collected
from tests.support.recordings import cuts, recordings, sse
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

RECORDINGS = recordings("edgeone")
STREAMS = [name for name, it in RECORDINGS.items() if it.expect["dialect"] in {OPENAI, ANTHROPIC, GEMINI}]
DIALECTS = {name: presets.response(name) for name in (OPENAI, ANTHROPIC, GEMINI)}
HI = ChatRequest("m", (Message("user", "Hi"),))


@asynccontextmanager
async def connected(script: Script, **options: Any) -> AsyncIterator[tuple[Upstream, Provider]]:
    http = HttpClient()
    async with upstream(script) as site:
        try:
            yield site, Provider(Options("providers.edge", {"base_url": f"{site.url}/", **options}), http)
        finally:
            await http.aclose()


def answering(body: bytes | str, status: int = 200, content_type: str = "text/event-stream") -> Script:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(status, body, content_type=content_type)

    return script


async def failure(script: Script) -> UpstreamError:
    async with connected(script) as (_, provider):
        with pytest.raises(UpstreamError) as caught:
            await collect(provider.stream(HI, NO_TOKEN))
    return caught.value


@pytest.mark.parametrize("name", STREAMS)
def test_a_recording_means_what_it_means_however_it_is_cut(name: str) -> None:
    for chunks in cuts(RECORDINGS[name].raw):
        decoder = AnyVendorDecoder(DIALECTS)
        transforming = "transform" in RECORDINGS[name].expect
        around = TransformedDecoder(decoder, SplitInlineReasoning) if transforming else decoder
        check(collected(chunks, SSEFraming(), around), RECORDINGS[name].expect)


@pytest.mark.parametrize("name", STREAMS)
async def test_a_recording_comes_through_the_provider(name: str) -> None:
    recording = RECORDINGS[name]
    options = {"transform": "split_inline_reasoning"} if "transform" in recording.expect else {}
    async with connected(answering(recording.raw), **options) as (site, provider):
        answer = await collect(provider.stream(recording.request, NO_TOKEN))
    check(Outcome(answer, None), recording.expect)
    (seen,) = site.seen
    assert (seen.method, seen.path) == ("POST", "/api/ai")
    assert seen.json == recording.exchange["upstream"]["body"]


async def test_the_text_stays_as_it_is_unless_asked_otherwise() -> None:
    async with connected(answering(RECORDINGS["edgeone-inline-analysis"].raw)) as (_, provider):
        answer = await collect(provider.stream(HI, NO_TOKEN))
    assert answer.text == "**Analysis Process:**\nstep 1\n\n**Answer:**\nDone"
    assert answer.reasoning == ""


@pytest.mark.parametrize(
    ("event", "dialect"),
    [
        ({"choices": []}, OPENAI),
        ({"choices": [], "type": "chunk"}, OPENAI),
        ({"error": {"message": "x"}}, OPENAI),
        ({"candidates": []}, GEMINI),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, GEMINI),
        ({"type": "message_start"}, ANTHROPIC),
        ({"type": "ping"}, ANTHROPIC),
        ({"type": "error", "error": {"message": "x"}}, ANTHROPIC),
        ([], OPENAI),
    ],
)
def test_the_dialect_is_told_from_an_events_keys(event: Any, dialect: str) -> None:
    assert dialect_of(json.dumps(event)) == dialect


def test_what_is_no_json_counts_as_openais() -> None:
    assert dialect_of("[DONE]") == dialect_of("{" * 100_000) == OPENAI


def test_the_first_event_settles_the_dialect() -> None:
    decoder = AnyVendorDecoder(DIALECTS)
    list(decoder.decode(Frame('{"type": "ping"}')))
    list(decoder.decode(Frame('{"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}')))
    with pytest.raises(UpstreamError):
        list(decoder.end())


OPENAI_JSON = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "length"}]}
ANTHROPIC_JSON = {
    "type": "message",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "max_tokens",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
GEMINI_JSON = {"candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "MAX_TOKENS"}]}


@pytest.mark.parametrize(
    ("body", "usage"),
    [(OPENAI_JSON, None), (ANTHROPIC_JSON, Usage(3, 2)), (GEMINI_JSON, None), ([GEMINI_JSON], None)],
)
async def test_json_answers_are_read_too(body: Any, usage: Usage | None) -> None:
    async with connected(answering(json.dumps(body), content_type="application/json")) as (_, provider):
        answer = await collect(provider.stream(HI, NO_TOKEN))
    assert answer.text == "Hello"
    assert answer.finish
    assert (answer.finish.reason, answer.finish.usage) == ("length", usage)


async def test_the_daily_limit_is_a_quota() -> None:
    recording = RECORDINGS["edgeone-daily-limit"]
    error = await failure(answering(recording.raw, 400, "application/json"))
    expected = recording.expect["error"]
    assert (error.status, error.type, error.code) == (
        expected["client_status"],
        expected["openai_type"],
        expected["openai_code"],
    )
    assert expected["message_contains"] in error.message
    assert error.blame is Blame.QUOTA


@pytest.mark.parametrize(
    ("status", "body", "client_status", "code"),
    [
        (400, {"error": "Unknown model"}, 404, "model_not_found"),
        (400, {"error": "Missing model or messages"}, 400, "upstream_rejected_request"),
        (500, {"error": "CLAUDE_API_KEY not set in environment"}, 502, "upstream_http_500"),
        (401, {"error": {"message": "Invalid key"}}, 503, "upstream_credentials_unavailable"),
        (429, {"error": {"message": "Slow down"}}, 429, "rate_limited"),
        (200, {"error": {"message": "Slow down", "type": "rate_limit_error"}}, 429, "rate_limited"),
    ],
)
async def test_errors(status: int, body: Any, client_status: int, code: str) -> None:
    error = await failure(answering(json.dumps(body), status, "application/json"))
    assert (error.status, error.code) == (client_status, code)


async def test_a_vendors_error_within_a_stream() -> None:
    events = sse({"type": "ping"}, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert (await failure(answering(events))).status == 503


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "upstream_empty"),
        (b": nothing\n\n", "upstream_empty"),
        (b"data: [DONE]\n\n", "upstream_empty"),
        (b"<html>Oops</html>", "upstream_bad_response"),
    ],
)
async def test_an_answer_of_nothing(body: bytes, code: str) -> None:
    assert (await failure(answering(body))).code == code


async def test_a_cut_answer_is_no_answer() -> None:
    cut = sse({"choices": [{"index": 0, "delta": {"content": "Hel"}}]})
    assert isinstance(await failure(answering(cut)), UpstreamTruncated)


async def test_parameters_have_no_place_here() -> None:
    asked = ChatRequest("m", HI.messages, parameters={"temperature": 1, "user": "u"})
    async with connected(answering(RECORDINGS["edgeone-gemini"].raw)) as (site, provider):
        events = [event async for batch in provider.stream(asked, NO_TOKEN) for event in batch]
    assert events[0] == Notice("temperature")
    assert isinstance(events[-1], Finish)
    assert set(site.seen[0].json) == {"model", "messages"}


def test_all_turns_go_as_text() -> None:
    turns = (
        Message("system", "Be brief."),
        Message("user", (Text("Hel"), Text("lo"))),
        Message("assistant", None, tool_calls=(ToolCall("c", "f", "{}"),)),
        Message("tool", "42", tool_call_id="c"),
    )
    assert encode(ChatRequest("m", turns)) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "[tool call: f (c)]\n{}"},
            {"role": "user", "content": "[tool result (c)]\n42"},
        ],
    }


async def test_models_are_listed_without_those_that_are_disabled() -> None:
    recording = RECORDINGS["edgeone-models"]
    async with connected(answering(recording.raw, content_type="application/json")) as (site, provider):
        assert await provider.models(NO_TOKEN) == [ModelInfo(model) for model in recording.expect["model_ids"]]
    (seen,) = site.seen
    assert (seen.method, seen.path, seen.json) == ("POST", "/api/models", recording.exchange["upstream"]["body"])
    listed = '{"models": [{"value": "a"}, {"value": "b", "disabled": true}, {"label": "c"}, {"value": 5}]}'
    async with connected(answering(listed, content_type="application/json")) as (_, provider):
        assert await provider.models(NO_TOKEN) == [ModelInfo("a")]
    async with connected(answering('{"data": []}', content_type="application/json")) as (_, provider):
        with pytest.raises(UpstreamBadResponse):
            await provider.models(NO_TOKEN)


async def test_settings() -> None:
    http = HttpClient()
    provider = Provider(Options("providers.edge", {"first_event_timeout": 60}), http)
    assert provider.first_event_timeout == 60
    assert provider.capabilities == Capabilities()
    with pytest.raises(ConfigError, match=r"providers\.edge\.model: is not a setting"):
        Provider(Options("providers.edge", {"model": "m"}), http)
