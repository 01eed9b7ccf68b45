import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.chat.completion import Completion, collect
from core.chat.errors import (
    Blame,
    ChatError,
    ConfigError,
    Unavailable,
    UnknownModel,
    UpstreamError,
    UpstreamTruncated,
)
from core.chat.events import Finish, Notice, TextDelta
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, ModelInfo, Token
from core.chat.requests import ChatRequest, Message, Text, ToolCall
from core.providers.flowgpt import Provider
from core.wire.client import HttpClient
from core.wire.lines import LineFraming
from tests.support.recordings import Recording, cuts, ndjson, recordings, replay
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

RECORDINGS = recordings("flowgpt")
ANSWERED = {name: recording for name, recording in RECORDINGS.items() if recording.expect["error"] is None}
VECTOR = RECORDINGS["flowgpt-basic"].exchange["signature_vector"]
DEVICE = VECTOR["device_id"]
TOKEN = Token("one", "${FLOWGPT_BEARER_TOKEN}", {"FLOWGPT_DEVICE_ID": DEVICE})
CREATED = b'{"id":"conv-1"}'


def configured(http: HttpClient, **options: Any) -> Provider:
    settings = {"device_id": "secret://FLOWGPT_DEVICE_ID", **options}
    clock = float(VECTOR["timestamp"]) + 0.9
    return Provider(Options("providers.flowgpt", settings), http, clock=lambda: clock, nonce=lambda: VECTOR["nonce"])


@asynccontextmanager
async def connected(script: Script, **options: Any) -> AsyncIterator[tuple[Upstream, Provider]]:
    """A site that answers by `script`, and the provider for it."""
    http = HttpClient()
    async with upstream(script) as site:
        try:
            yield site, configured(http, base_url=site.url + "/", **options)
        finally:
            await http.aclose()


def answering(chat: bytes, create: bytes = CREATED, chat_status: int = 200, create_status: int = 200) -> Script:
    async def script(seen: Seen, wire: Wire) -> None:
        creates = seen.path == "/conversation/create"
        await wire.head(create_status if creates else chat_status, content_type="application/octet-stream")
        if body := create if creates else chat:
            await wire.chunk(body)
        await wire.finish()

    return script


def ask(*messages: Message, model: str = "gpt-4-free", **parameters: Any) -> ChatRequest:
    return ChatRequest(model, messages or (Message("user", "Hi"),), parameters=parameters)


def text(data: Any) -> dict[str, Any]:
    return {"event": "text", "data": data}


async def asked(request: ChatRequest, token: Token = TOKEN, **options: Any) -> tuple[Seen, Seen, Completion]:
    """What the site sees of both steps, and the answer."""
    async with connected(answering(ndjson(text("ok"))), **options) as (site, provider):
        answer = await collect(provider.stream(request, token))
    create, chat = site.seen
    return create, chat, answer


# requests


@pytest.mark.parametrize("recording", ANSWERED.values(), ids=ANSWERED)
async def test_both_requests_are_exactly_the_recorded_ones(recording: Recording) -> None:
    async with connected(answering(recording.raw)) as (site, provider):
        answer = await collect(provider.stream(recording.request, TOKEN))
    assert answer.text == recording.expect["text"]
    for seen, step in zip(site.seen, recording.exchange["steps"], strict=True):
        wanted = {name.lower(): value for name, value in step["headers"].items()}
        assert (seen.method, "https://prod-backend-k8s.flowgpt.com" + seen.path) == (step["method"], step["url"])
        assert seen.json == step["body"]
        assert {name: seen.headers.get(name) for name in wanted} == wanted
        assert set(seen.headers) - set(wanted) == {"host", "content-length", "user-agent", "accept-encoding"}


@pytest.mark.parametrize(
    ("signature", "vector"), [("concat", "expected"), ("dashes-authorization", "g4f_variant_md5_dashes_authorization")]
)
async def test_signatures_match_the_vectors(signature: str, vector: str) -> None:
    _, chat, _ = await asked(ask(), Token("one", "null", {"FLOWGPT_DEVICE_ID": DEVICE}), signature=signature)
    assert chat.headers["x-signature"] == VECTOR[vector]


async def test_without_a_signature_nothing_of_it_is_sent() -> None:
    _, chat, _ = await asked(ask(), signature="none")
    assert not {"x-nonce", "x-timestamp", "x-signature"} & set(chat.headers)


async def test_each_request_is_stamped_anew() -> None:
    http = HttpClient()
    async with upstream(answering(ndjson(text("ok")))) as site:
        options = Options("providers.flowgpt", {"device_id": DEVICE, "base_url": site.url})
        provider = Provider(options, http)
        for _ in range(2):
            await collect(provider.stream(ask(), TOKEN))
        await http.aclose()
    first, second = (seen.headers["x-nonce"] for seen in site.seen if seen.path == "/v3/chat")
    assert first != second
    assert len(first) == 32
    assert int(first, 16) >= 0


@pytest.mark.parametrize("secret", ["t-1", "Bearer t-1"])
async def test_the_token_is_sent_as_a_bearer(secret: str) -> None:
    create, chat, _ = await asked(ask(), Token("one", secret), device_id="dev-1")
    assert create.headers["authorization"] == chat.headers["authorization"] == "Bearer t-1"
    assert create.headers["x-flow-device-id"] == chat.headers["x-flow-device-id"] == "dev-1"


async def test_history_travels_in_the_first_step_and_the_question_in_the_second() -> None:
    turns = (
        Message("system", "Be brief."),
        Message("user", (Text("One "), Text("two"))),
        Message("assistant", None, (ToolCall("call_1", "look", "{}"),)),
        Message("tool", "seen", tool_call_id="call_1"),
        Message("user", (Text("Now "), Text("what?"))),
    )
    create, chat, _ = await asked(ask(*turns, temperature=0))
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    assert create.json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "One "}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "seen", "tool_call_id": "call_1"},
        {"role": "user", "content": [{"type": "text", "text": "Now "}, {"type": "text", "text": "what?"}]},
    ]
    assert chat.json["question"] == "Now what?"
    assert chat.json["temperature"] == 0


async def test_other_prompts_and_the_model_behind_them_are_settings() -> None:
    create, chat, _ = await asked(ask(model="mine"), prompts={"mine": "p-1"}, upstream_model="Other")
    assert (create.json["promptId"], chat.json["promptId"], chat.json["model"]) == ("p-1", "p-1", "Other")


async def test_parameters_it_has_no_place_for_are_named_first() -> None:
    *_, answer = await asked(ask(temperature=1, max_tokens=5, user="u"))
    assert answer.notices == ["max_tokens"]
    async with connected(answering(ndjson(text("ok"))), strip_prefix="") as (_, provider):
        events = [event async for batch in provider.stream(ask(stop="x"), TOKEN) for event in batch]
    assert events == [Notice("stop"), TextDelta("ok"), Finish("stop")]


@pytest.mark.parametrize(
    ("model", "token", "error"), [("gpt-4o", TOKEN, UnknownModel), ("gpt-4-free", NO_TOKEN, Unavailable),
                                  ("gpt-4-free", Token("one", "t-1"), Unavailable)]
)  # fmt: skip
async def test_what_cannot_be_asked_is_not_sent(model: str, token: Token, error: type[ChatError]) -> None:
    async with connected(answering(b"")) as (site, provider):
        with pytest.raises(error):
            await collect(provider.stream(ask(model=model), token))
    assert site.seen == []


@pytest.mark.parametrize("options", [{"device_id": ""}, {"signature": "md5"}, {"prompts": {"a": 1}}, {"prompt": "x"}])
def test_wrong_settings_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        configured(HttpClient(), **options)
    assert raised.value.path.startswith(f"providers.flowgpt.{next(iter(options))}")


def test_the_device_is_required() -> None:
    with pytest.raises(ConfigError, match="device_id"):
        Provider(Options("providers.flowgpt", {}), HttpClient())


async def test_the_models_are_those_that_have_a_prompt() -> None:
    assert await configured(HttpClient()).models(TOKEN) == [ModelInfo("gpt-4-free")]
    mine = configured(HttpClient(), prompts={"a": "p-1", "b": "p-2"})
    assert await mine.models(TOKEN) == [ModelInfo("a"), ModelInfo("b")]


# answers


@pytest.mark.parametrize("recording", ANSWERED.values(), ids=ANSWERED)
def test_recordings_mean_the_same_however_they_are_cut(recording: Recording) -> None:
    provider = configured(HttpClient())
    for chunks in cuts(recording.raw):
        got = replay(chunks, LineFraming(cut_is_error=True), provider._decoder())
        assert got.text == recording.expect["text"]
        assert got.finish == Finish(recording.expect["finish_reason"], usage=recording.expect["usage"])


@pytest.mark.parametrize("answer", ["short", "long " * 100, "a" * 149 + "Respons", "x" * 151 + "Response:** y"])
async def test_an_answer_without_the_prefix_is_whole(answer: str) -> None:
    async with connected(answering(ndjson(*map(text, answer)))) as (_, provider):
        assert (await collect(provider.stream(ask(), TOKEN))).text == answer


async def test_the_prefix_to_strip_is_a_setting() -> None:
    body = ndjson(text("Thought. Answer"), text(": yes"))
    async with connected(answering(body), strip_prefix="Answer:") as (_, provider):
        assert (await collect(provider.stream(ask(), TOKEN))).text == "yes"
    async with connected(answering(body), strip_prefix="") as (_, provider):
        assert (await collect(provider.stream(ask(), TOKEN))).text == "Thought. Answer: yes"


# over a real socket


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (answering(b"", create=RECORDINGS["flowgpt-create-no-id"].raw), 502, "upstream_contract_changed"),
        (answering(b"", create=b'{"id":""}'), 502, "upstream_contract_changed"),
        (answering(b"", create=b"[]"), 502, "upstream_contract_changed"),
        (answering(b"", create=b'{"error":"boom"}'), 502, "upstream_stream_error"),
        (answering(b"", create=b"<html>"), 502, "upstream_bad_response"),
        (answering(b"", create=b""), 502, "upstream_empty"),
        (answering(b"", create=b"slow down", create_status=429), 429, "rate_limited"),
        (answering(b"", chat_status=500), 502, "upstream_http_500"),
        (answering(b"<!doctype html>"), 502, "upstream_bad_response"),
        (answering(b""), 502, "upstream_empty"),
        (answering(ndjson({"event": "done"})), 502, "upstream_empty"),
        (answering(ndjson({"error": "boom"})), 502, "upstream_stream_error"),
        (answering(ndjson(text("some")) + b'{"event":"text","da'), 502, "upstream_truncated"),
    ],
)
async def test_what_is_no_answer_says_so(script: Script, status: int, code: str) -> None:
    async with connected(script) as (_, provider):
        with pytest.raises(UpstreamError) as raised:
            await collect(provider.stream(ask(), TOKEN))
    assert (raised.value.status, raised.value.code) == (status, code)


@pytest.mark.parametrize("refusing", [{"create_status": 401}, {"chat_status": 401}])
async def test_an_expired_token_is_the_tokens_fault_and_not_the_callers(refusing: dict[str, int]) -> None:
    async with connected(answering(b"expired", create=CREATED, **refusing)) as (_, provider):
        with pytest.raises(UpstreamError) as raised:
            await collect(provider.stream(ask(), TOKEN))
    assert (raised.value.status, raised.value.blame) == (503, Blame.DISABLE)


async def test_text_comes_as_it_is_sent_and_a_broken_connection_cuts_it() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/conversation/create":
            await wire.reply(201, CREATED)
            return
        await wire.head()
        await wire.chunk(ndjson(text("some")))
        await wire.hung_up() if seen.json["temperature"] else wire.close()

    async with connected(script, strip_prefix="") as (_, provider):
        stream = provider.stream(ask(temperature=0), TOKEN)
        assert await anext(stream) == [TextDelta("some")]
        with pytest.raises(UpstreamTruncated):
            await anext(stream)
        stream = provider.stream(ask(temperature=1), TOKEN)
        assert await anext(stream) == [TextDelta("some")]
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator, seen as an iterator


async def test_answers_at_the_same_time_do_not_mix() -> None:
    both = asyncio.Barrier(2)

    async def script(seen: Seen, wire: Wire) -> None:
        await both.wait()
        if seen.path == "/conversation/create":
            await wire.reply(200, json.dumps({"id": "of " + seen.json["messages"][0]["content"]}))
            return
        await wire.head()
        for piece in ["**Thought", "\n\nResponse:*", "* ", *seen.json["conversationId"], seen.json["question"]]:
            await both.wait()
            await wire.chunk(ndjson(text(piece)))
        await wire.finish()

    async with connected(script) as (_, provider):
        streams = (provider.stream(ask(Message("user", turn)), TOKEN) for turn in ("first", "other"))
        one, two = await asyncio.gather(*map(collect, streams))
    assert (one.text, two.text) == ("of firstfirst", "of otherother")
