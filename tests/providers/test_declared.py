"""The provider of described services, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.chat.completion import Collector
from core.chat.errors import Blame, ConfigError, UpstreamBadResponse, UpstreamError, UpstreamTruncated
from core.chat.events import Finish, Notice, StreamEvent
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest, FunctionTool, Image, Message, Text
from core.dialects.declared import presets
from core.providers.declared import Provider
from core.wire.client import HttpClient
from tests.dialects.declared.replaying import Outcome, check
from tests.support.recordings import Recording, recordings
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

RECORDINGS = recordings("declared")
VARIABLES: dict[str, dict[str, Any]] = {
    "anthropic-sse": {"max_tokens": 64},
    "coze-v3": {"bot_id": "b"},
    "tgi-sse": {"max_new_tokens": 20},
}
OTHER_TEMPLATE = {
    "aisdk-v4-error",
    "aisdk-v4-error-object",
    "aisdk-v5-error",
    "anthropic-error-midstream",
    "openai-proxy-401",
    "openai-proxy-defaults",
}
"""Recordings whose request is not in the template of their dialect, but in a common one or with other defaults."""
HI = ChatRequest("m", (Message("user", "Hi"),))


@asynccontextmanager
async def connected(script: Script, path: str = "/chat", **table: Any) -> AsyncIterator[tuple[Upstream, Provider]]:
    http = HttpClient(private_addresses=True)
    async with upstream(script) as service:
        table = {"preset": "plain-text", "url": service.url + path, **table}
        try:
            yield service, Provider(Options("providers.x", table), http)
        finally:
            await http.aclose()


def answering(*chunks: bytes, status: int = 200, content_type: str = "text/event-stream") -> Script:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(status, content_type=content_type)
        for chunk in chunks:
            await wire.chunk(chunk)
        await wire.finish()

    return script


async def outcome(provider: Provider, request: ChatRequest = HI, token: Token = NO_TOKEN) -> Outcome:
    collector, error = Collector(), None
    try:
        async for batch in provider.stream(request, token):
            for event in batch:
                collector.add(event)
    except UpstreamError as failure:
        error = failure
    return Outcome(collector.completion(), error)


async def failure(script: Script, **table: Any) -> UpstreamError:
    async with connected(script, **table) as (_, provider):
        error = (await outcome(provider)).error
    assert error is not None
    return error


def table_for(recording: Recording) -> dict[str, Any]:
    dialect = recording.expect["dialect"]
    variables = VARIABLES.get(dialect, {})
    if recording.name == "librechat-legacy":
        variables = {"endpoint": "openAI"}
    table: dict[str, Any] = {
        "preset": dialect if dialect in presets.names() else "openai-sse",
        "request": {"variables": variables},
    }
    if "transform" in recording.expect:
        table["transform"] = recording.expect["transform"]
    return table


def request_of(recording: Recording) -> ChatRequest:
    asked = recording.exchange["openai_request"]
    model = "gemini-x" if "gemini-x" in recording.exchange["upstream"]["url"] else asked.get("model", "m")
    return ChatRequest(model, tuple(Message(turn["role"], turn["content"]) for turn in asked["messages"]))


@pytest.mark.parametrize("name", RECORDINGS)
async def test_a_recording_comes_through_the_provider(name: str) -> None:
    recording = RECORDINGS[name]
    http, raw = recording.expect["http"], recording.raw
    third = len(raw) // 3 or 1
    chunks = [chunk for chunk in (raw[:third], raw[third : 2 * third], raw[2 * third :]) if chunk]
    script = answering(*chunks, status=http["status"], content_type=http["headers"]["content-type"])
    async with connected(script, **table_for(recording)) as (service, provider):
        result = await outcome(provider, request_of(recording))
    check(result, recording.expect)
    (seen,) = service.seen
    assert seen.headers["content-type"] == "application/json"
    if name not in OTHER_TEMPLATE:
        assert seen.method == recording.exchange["upstream"]["method"]
        assert seen.json == recording.exchange["upstream"]["body"]


@pytest.mark.parametrize(
    ("preset", "recorded"),
    [
        (recording.expect["dialect"], recording.exchange["upstream"]["url"])
        for recording in RECORDINGS.values()
        if "url" in presets.load(table_for(recording)["preset"])["request"]
        and "example" not in recording.exchange["upstream"]["url"]
    ],
)
def test_a_presets_own_address_is_that_of_its_recordings(preset: str, recorded: str) -> None:
    url: str = presets.load(preset)["request"]["url"]
    assert recorded in {url, url.replace("{model}", "m"), url.replace("{model}", "gemini-x")}


async def test_a_token_and_further_secrets_go_where_the_description_says() -> None:
    headers = {"Authorization": "Bearer {token}", "X-Key": "secret://KEY"}
    async with connected(answering(b"x"), request={"headers": headers}) as (service, provider):
        await outcome(provider, token=Token("t", "s3cret", {"KEY": "k3y"}))
        await outcome(provider, token=Token("t", "", {"KEY": "k3y"}))
    with_token, without = service.seen
    assert (with_token.headers["authorization"], with_token.headers["x-key"]) == ("Bearer s3cret", "k3y")
    assert "authorization" not in without.headers


async def test_parameters_without_a_place_come_first_as_notices() -> None:
    asked = ChatRequest("m", HI.messages, parameters={"top_p": 0.5, "user": "u"})
    async with connected(answering(b"x")) as (_, provider):
        events: list[StreamEvent] = [event async for batch in provider.stream(asked, NO_TOKEN) for event in batch]
    assert events[0] == Notice("top_p")
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        ("gemini", [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}]),
        ("ollama", [{"role": "user", "content": "", "images": ["iVBORw0KGgo="]}]),
        ("anthropic", None),
    ],
)
async def test_a_picture_with_a_url_is_fetched_for_forms_that_must_hold_it(
    form: str, sent: list[dict[str, Any]] | None
) -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/a.png":
            await wire.reply(200, b"\x89PNG\r\n\x1a\n")
        else:
            await answering(b"Hello", content_type="text/plain")(seen, wire)

    request = {"form": form, "images": "parts", "body": {"q": "{messages}"}}
    async with connected(script, request=request) as (service, provider):
        asked = ChatRequest("m", (Message("user", (Image(service.url + "/a.png"),)),))
        assert (await outcome(provider, asked)).error is None
        [*_, chat] = service.seen
        named = [
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": f"{service.url}/a.png"}}]}
        ]
        assert chat.json["q"] == (sent or named)
        assert len(service.seen) == (2 if sent else 1)


async def test_a_step_goes_first_and_its_answer_into_the_next_request() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/new":
            await wire.reply(200, '{"data": {"id": "c 1"}}')
        else:
            await answering(b"Hello", content_type="text/plain")(seen, wire)

    async with connected(script, "/chat") as (service, _):
        table = {
            "url": f"{service.url}/chat/{{captured.id}}",
            "request": {
                "steps": {"url": f"{service.url}/new", "body": {"m": "{model}"}, "capture": {"id": "data.id"}},
                "body": {"id": "{captured.id}", "q": "{message}"},
            },
            "response": {"framing": "raw_text", "text": "$"},
        }
        http = HttpClient()
        assert (await outcome(Provider(Options("providers.x", table), http))).completion.text == "Hello"
        await http.aclose()
    assert [(seen.path, seen.json) for seen in service.seen] == [
        ("/new", {"m": "m"}),
        ("/chat/c%201", {"id": "c 1", "q": "Hi"}),
    ]


@pytest.mark.parametrize(
    ("status", "body", "said", "client_status"),
    [
        (200, '{"data": {}}', "holds no id", 502),
        (200, '{"error": {"message": "log in"}}', "log in", 502),
        (200, "not JSON", "no JSON", 502),
        (200, "", "nothing", 502),
        (401, '{"error": "expired"}', "expired", 503),
        (200, "<html>hi</html>", "web page", 502),
    ],
)
async def test_a_step_that_fails_fails_the_request(status: int, body: str, said: str, client_status: int) -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(status, body)

    async with connected(script) as (service, _):
        steps = {"url": f"{service.url}/new", "body": {}, "capture": {"id": "data.id"}}
        table = {"preset": "plain-text", "url": service.url, "request": {"steps": steps}}
        http = HttpClient()
        error = (await outcome(Provider(Options("providers.x", table), http))).error
        await http.aclose()
    assert error
    assert said in error.message
    assert error.status == client_status
    assert len(service.seen) == 1


async def test_a_refusal_goes_through_the_descriptions_own_map_first() -> None:
    error_map = [{"status": 400, "contains": "come back tomorrow", "becomes": 429, "kind": "insufficient_quota"}]
    refusing = answering(b'{"error": "Come back tomorrow"}', status=400, content_type="application/json")
    error = await failure(refusing, response={"error_map": error_map})
    assert (error.status, error.code, error.blame) == (429, "insufficient_quota", Blame.QUOTA)
    assert (await failure(refusing)).status == 400


@pytest.mark.parametrize("preset", ["plain-text", "openai-sse", "ollama-ndjson"])
async def test_a_web_page_is_no_answer(preset: str) -> None:
    page = answering(b"<!DOCTYPE html><title>Just a moment...</title>", content_type="text/html")
    assert (await failure(page, preset=preset)).code == "upstream_challenge"


async def test_bare_text_may_begin_with_a_tag() -> None:
    async with connected(answering(b"<think>why</think>Hello"), transform="split_think_tags") as (_, provider):
        answer = (await outcome(provider)).completion
    assert (answer.text, answer.reasoning) == ("Hello", "why")


@pytest.mark.parametrize("preset", sorted(presets.names()))
async def test_an_empty_body_is_no_answer(preset: str) -> None:
    assert (await failure(answering(), preset=preset)).code == "upstream_empty"


@pytest.mark.parametrize(
    ("body", "message", "status"),
    [
        (b'{"success": false, "message": "not today"}', "not today", 502),
        (b'{"code": 401, "msg": "who are you"}', "who are you", 503),
        (b' {"error": {"message": "slow down", "type": "rate_limit_error"}}', "slow down", 429),
    ],
)
@pytest.mark.parametrize("preset", ["openai-sse", "cumulative-sse", "sse-raw-text", "aisdk-v4", "plain-text"])
async def test_json_where_a_stream_should_be_says_what_went_wrong(
    preset: str, body: bytes, message: str, status: int
) -> None:
    error = await failure(answering(body, content_type="application/json"), preset=preset)
    assert (error.message, error.status) == (message, status)


async def test_a_broken_connection_is_a_cut_answer() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/plain")
        await wire.chunk(b"Hel")
        wire.close()

    async with connected(script) as (_, provider):
        result = await outcome(provider)
    assert result.completion.text == "Hel"
    assert isinstance(result.error, UpstreamTruncated)
    assert result.completion.finish is None


async def test_nothing_is_read_after_the_end() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(b'data: {"content": "Hi", "done": true}\n\n')
        await wire.hung_up()

    async with connected(script, preset="cumulative-sse") as (_, provider):
        assert (await outcome(provider)).completion.finish == Finish("stop")


async def test_closing_the_stream_closes_the_connection() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/plain")
        await wire.chunk(b"Hel")
        await wire.hung_up()

    async with connected(script) as (service, provider):
        stream = provider.stream(HI, NO_TOKEN)
        await anext(stream)
        assert service.open == 1
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert service.seen


async def test_models_are_asked_for_as_described() -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        await wire.reply(200, '{"data": [{"id": "a"}, {"id": "b", "off": true}]}')

    async with connected(script) as (service, _):
        http = HttpClient()
        models = {"url": f"{service.url}/v1/models", "list": "data.*[off!=true]", "id": "id"}
        table = {
            "preset": "plain-text",
            "url": service.url,
            "models_request": {**models, "headers": {"X-T": "{token}"}},
        }
        provider = Provider(Options("providers.x", table), http)
        assert await provider.models(Token("t", "s3cret")) == [ModelInfo("a")]
        await http.aclose()
    (seen,) = service.seen
    assert (seen.method, seen.path, seen.headers["x-t"], seen.body) == ("GET", "/v1/models", "s3cret", b"")


async def test_without_a_description_there_is_no_list_of_models() -> None:
    async with connected(answering(b"x")) as (service, provider):
        assert list(await provider.models(NO_TOKEN)) == []
    assert service.seen == []


async def test_a_list_of_models_that_cannot_be_read_is_an_upstream_error() -> None:
    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(200, "[]x")

    async with connected(script) as (service, _):
        http = HttpClient()
        models = {"url": service.url, "list": "*", "id": "id"}
        provider = Provider(Options("p", {"preset": "plain-text", "url": service.url, "models_request": models}), http)
        with pytest.raises(UpstreamBadResponse):
            await provider.models(NO_TOKEN)
        await http.aclose()


async def test_settings_of_the_provider_itself() -> None:
    async with connected(answering(b"x"), preset="openai-sse", first_event_timeout=90) as (_, provider):
        assert provider.first_event_timeout == 90
        assert provider.capabilities == Capabilities(
            tools=True, images=True, stop=True, token_limit=True, response_format=True
        )
    with pytest.raises(ConfigError, match=r"providers\.x\.modle: is not a setting"):
        Provider(Options("providers.x", {"preset": "plain-text", "url": "https://x.example", "modle": 1}), HttpClient())


async def test_tools_and_pictures_go_out_in_the_dialects_form() -> None:
    turn = Message("user", (Text("Look"), Image("data:image/png;base64,AA")))
    asked = ChatRequest("m", (turn,), tools=(FunctionTool("f"),), tool_choice="required")
    async with connected(answering(b"x"), preset="anthropic-sse") as (service, provider):
        await outcome(provider, asked)
    body = service.seen[0].json
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "any"}
    assert body["messages"][0]["content"][1]["source"]["data"] == "AA"
