"""The provider over a real socket."""

import asyncio
import json
from typing import Any

import pytest

from core.chat.completion import Completion, collect
from core.chat.errors import ConfigError, UpstreamBadResponse, UpstreamError, UpstreamTruncated
from core.chat.events import Notice, TextDelta, Usage
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, ModelInfo, Token
from core.providers.puter import Provider, lists
from core.wire.client import HttpClient
from tests.support.puter import TOKEN, answering, by_path, caller, caller_of, captures, connected, replying, saying
from tests.support.recordings import Recording, recordings
from tests.support.upstream import Script, Seen, Wire

EXCHANGES = {
    name: recording
    for name, recording in recordings("puter").items()
    if "messages" in recording.exchange["openai_request"]
}
CAPTURES = captures()
HI = [{"role": "user", "content": "Hi"}]
DOT = "data:image/png;base64,iVBORw0KGgo="


async def answer(script: Script, token: Token = TOKEN, **body: Any) -> Completion:
    async with connected(script) as (_, provider):
        return await collect(provider.stream(caller(**{"model": "gpt-4o-mini", "messages": HI, **body}), token))


@pytest.mark.parametrize("recording", EXCHANGES.values(), ids=EXCHANGES)
async def test_recorded_exchanges(recording: Recording) -> None:
    async with connected(replying(recording)) as (backend, provider):
        stream = provider.stream(caller_of(recording), TOKEN)
        if (error := recording.expect["error"]) is None:
            assert (await collect(stream)).text == recording.expect["text"]
        else:
            with pytest.raises(UpstreamError) as raised:
                await collect(stream)
            assert raised.value.status == (error["client_status"] or 502)
            assert error["message_contains"] in raised.value.message
    [seen] = backend.seen
    assert (seen.method, seen.path) == ("POST", "/drivers/call")
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["authorization"] == f"Bearer {TOKEN.secret}"
    assert set(seen.json) == {"interface", "driver", "method", "args"}
    assert seen.json["args"]["messages"] == recording.exchange["upstream"]["body"]["args"]["messages"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("10_chat_openai_nonstream", "Hello from upstream"),
        ("11_chat_openai_stream", "Hello wörld 日本🚀"),
        ("25_chat_claude_nonstream", "Hello from claude"),
        ("26_chat_claude_stream", "Hello claude"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_captured_answers_whether_they_were_asked_for_in_that_form_or_not(
    number: str, text: str, stream: bool
) -> None:
    got = await answer(answering(CAPTURES[number]), stream=stream)
    assert got.text == text
    assert got.finish is not None
    assert got.finish.usage == Usage(21, 7, 5 if "openai" in number else None)


async def test_a_stream_arrives_as_it_is_said_and_ends_when_the_caller_hangs_up() -> None:
    hung_up = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="application/x-ndjson")
        await wire.chunk(b'{"type":"text","text":"Hel')
        await wire.chunk(b'lo"}\n')
        await wire.hung_up()
        hung_up.set()

    async with connected(script) as (_, provider):
        stream = provider.stream(caller(model="gpt-4o-mini", messages=HI, stream=True), TOKEN)
        assert await anext(stream) == [TextDelta("Hello")]
        await stream.aclose()  # type: ignore[attr-defined]  # a generator, which its protocol does not say
        await asyncio.wait_for(hung_up.wait(), 5)


async def test_notices_come_first() -> None:
    async with connected(answering(CAPTURES["11_chat_openai_stream"])) as (_, provider):
        stream = provider.stream(caller(model="m", messages=HI, stream=True, stop=["x"], seed=1), TOKEN)
        batches = [batch async for batch in stream]
    assert batches[0] == [Notice("stop"), Notice("seed")]
    assert [event for batch in batches for event in batch if isinstance(event, Notice)] == batches[0]


async def test_without_a_token_nothing_is_pretended() -> None:
    async with connected(answering(CAPTURES["34_err_no_token"])) as (backend, provider):
        with pytest.raises(UpstreamError, match="Missing authentication token"):
            await collect(provider.stream(caller(model="m", messages=HI), NO_TOKEN))
    assert "authorization" not in backend.seen[0].headers


@pytest.mark.parametrize("number", ["97_client_abort", "10_chat_openai_nonstream"])
async def test_a_broken_off_answer_is_a_failure(number: str) -> None:
    capture = CAPTURES[number]

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(200, content_type=capture.headers["content-type"])
        await wire.chunk(capture.body[:-1])
        wire.close()

    with pytest.raises(UpstreamTruncated):
        await answer(script)


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", "application/x-ndjson", "upstream_empty"),
        (b"", "application/json", "upstream_empty"),
        (b"\n\n", "application/x-ndjson", "upstream_truncated"),
        (b'{"success":true,"result"', "application/json", "upstream_truncated"),
        (b"<html>Hello</html>", "text/html", "upstream_bad_response"),
        (b"<!doctype html><title>Just a moment...", "text/html", "upstream_challenge"),
        (b"OK\n", "text/plain", "upstream_bad_response"),
    ],
)
async def test_what_is_no_answer(body: bytes, content_type: str, code: str) -> None:
    with pytest.raises(UpstreamError) as raised:
        await answer(saying(body, content_type))
    assert raised.value.code == code


async def test_a_document_may_span_lines_and_have_any_type() -> None:
    envelope = json.loads(CAPTURES["10_chat_openai_nonstream"].body)
    assert (
        await answer(saying(json.dumps(envelope, indent=1).encode(), "application/json"))
    ).text == "Hello from upstream"
    assert (await answer(saying(json.dumps(envelope).encode(), "text/plain"))).text == "Hello from upstream"


async def test_a_stream_may_have_any_type() -> None:
    assert (
        await answer(saying(CAPTURES["11_chat_openai_stream"].body, "application/json"))
    ).text == "Hello wörld 日本🚀"


async def test_a_stream_may_be_cut_by_the_callers_limit() -> None:
    got = await answer(answering(CAPTURES["26_chat_claude_stream"]), stream=True, max_tokens=7)
    assert got.finish is not None
    assert got.finish.reason == "length"


@pytest.mark.parametrize(
    ("status", "code"), [(204, "upstream_bad_response"), (302, "upstream_redirect_blocked"), (500, "upstream_http_500")]
)
async def test_no_other_status_is_a_success(status: int, code: str) -> None:
    with pytest.raises(UpstreamError) as raised:
        await answer(saying(CAPTURES["11_chat_openai_stream"].body if status != 204 else b"", "text/plain", status))
    assert raised.value.code == code


# models


NOTHING = saying('{"models":[]}')
SOUND = ["gpt-4o-mini-tts", "tts-1", "tts-1-hd", "gpt-4o-mini-transcribe", "gpt-4o-transcribe", "whisper-1"]


async def test_models_are_listed_without_a_token() -> None:
    async with connected(by_path(NOTHING, chat=answering(CAPTURES["51_models_chat_details"]))) as (backend, provider):
        models = await provider.models(TOKEN)
    assert sorted((seen.method, seen.path) for seen in backend.seen) == [
        ("GET", "/puterai/chat/models/details"),
        ("GET", "/puterai/image/models/details"),
        ("GET", "/puterai/video/models/details"),
    ]
    assert not any("authorization" in seen.headers for seen in backend.seen)
    assert len(models) == 38 + len(SOUND)
    assert models[0] == ModelInfo("claude-fable-5", "claude", 1000000, 128000)
    assert [(info.model, info.kind) for info in models[38:]] == [
        *((model, "speech") for model in SOUND[:3]),
        *((model, "transcription") for model in SOUND[3:]),
    ]


async def test_the_recorded_list_of_models() -> None:
    recording = recordings("puter")["puter-models-details"]
    async with connected(by_path(NOTHING, chat=replying(recording))) as (_, provider):
        assert [info.model for info in await provider.models(TOKEN)] == recording.expect["model_ids"] + SOUND


def listing(*entries: dict[str, Any]) -> Script:
    return saying(json.dumps({"models": entries}))


async def test_what_makes_pictures_and_films_is_listed_too() -> None:
    backend = by_path(
        listing({"id": "gpt-4o", "provider": "openai-completion"}, {"id": "both", "provider": "gemini"}),
        image=listing({"id": "gpt-image-1", "provider": "openai-image-generation"}, {"id": "both", "provider": "g"}),
        video=listing(
            {"id": "sora-2", "puterId": "openai:openai/sora-2", "provider": "openai-video-generation"},
            {"id": "togetherai:openai/sora-2-pro", "provider": "together-video-generation"},
            {"id": "togetherai:google/veo-3.0", "provider": "together-video-generation"},
        ),
    )
    async with connected(backend) as (_, provider):
        listed = [(info.model, info.owner, info.kind) for info in await provider.models(TOKEN)]
    assert listed[: -len(SOUND)] == [
        ("gpt-4o", "openai-completion", "chat"),
        ("both", "gemini", "chat"),
        ("gpt-image-1", "openai-image-generation", "image"),
        ("togetherai:google/veo-3.0", "together-video-generation", "video"),
    ]


async def never(_: Seen, wire: Wire) -> None:
    await wire.hung_up()


@pytest.mark.parametrize("failing", [saying("no", "text/plain", 500), saying("nonsense"), saying("{}"), never])
async def test_chat_does_without_the_lists_of_other_models(
    failing: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lists, "PATIENCE", 0.05 if failing is never else 10)
    async with connected(by_path(listing({"id": "m"}), image=failing, video=failing)) as (_, provider):
        assert [info.model for info in await provider.models(TOKEN)] == ["m", *SOUND]
    assert sorted(record.args[0] for record in caplog.records if isinstance(record.args, tuple)) == ["image", "video"]


async def test_what_the_list_told_decides_how_a_request_is_put() -> None:
    """A model whose name says nothing takes Claude's form once the list says that Claude serves it."""
    listed = {"models": [{"id": "opaque", "provider": "claude"}]}

    async def script(seen: Seen, wire: Wire) -> None:
        await wire.reply(
            200, json.dumps(listed) if "/chat/" in seen.path else CAPTURES["25_chat_claude_nonstream"].body
        )

    picture = {"type": "image_url", "image_url": {"url": DOT}}
    request = caller(model="opaque", messages=[{"role": "user", "content": [picture]}])
    async with connected(script) as (backend, provider):
        await collect(provider.stream(request, TOKEN))
        await provider.models(TOKEN)
        await collect(provider.stream(request, TOKEN))
    before, *_, after = backend.seen
    assert before.json["args"]["messages"][0]["content"] == [picture]
    assert after.json["args"]["messages"][0]["content"][0]["type"] == "image"


@pytest.mark.parametrize("model", ["gpt-4o-mini", "claude-haiku-4-5"])
async def test_claude_is_sent_the_picture_that_a_url_names(model: str) -> None:
    """The other vendors follow the URL themselves."""

    async def script(seen: Seen, wire: Wire) -> None:
        if seen.method == "GET":
            await wire.reply(200, b"\x89PNG\r\n\x1a\n")
        else:
            await answering(CAPTURES["25_chat_claude_nonstream"])(seen, wire)

    async with connected(script) as (backend, provider):
        picture = {"type": "image_url", "image_url": {"url": backend.url + "/a.png"}}
        request = caller(model=model, messages=[{"role": "user", "content": [picture]}])
        await collect(provider.stream(request, TOKEN))
    *fetched, asked = backend.seen
    [sent] = asked.json["args"]["messages"][0]["content"]
    if model == "gpt-4o-mini":
        assert (fetched, sent) == ([], picture)
    else:
        source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
        assert sent == {"type": "image", "source": source}
        assert [(seen.path, "authorization" in seen.headers) for seen in fetched] == [("/a.png", False)]


@pytest.mark.parametrize("body", ["[]", "{}", '{"models":{}}', '"x"', "nonsense"])
async def test_a_list_that_is_none(body: str) -> None:
    async with connected(by_path(NOTHING, chat=saying(body))) as (_, provider):
        with pytest.raises(UpstreamBadResponse):
            await provider.models(TOKEN)


async def test_a_refused_list() -> None:
    async with connected(answering(CAPTURES["43_err_root_host"])) as (_, provider):
        with pytest.raises(UpstreamError) as raised:
            await provider.models(TOKEN)
    assert raised.value.code == "upstream_contract_changed"


# options


def test_patience() -> None:
    assert Provider(Options("p", {}), HttpClient()).first_event_timeout == 120
    assert Provider(Options("p", {"first_event_timeout": 5}), HttpClient()).first_event_timeout == 5


def test_a_misspelt_option_is_noticed() -> None:
    with pytest.raises(ConfigError, match=r"p\.base_ulr"):
        Provider(Options("p", {"base_ulr": "x"}), HttpClient())


def test_it_carries_tools_and_pictures() -> None:
    able = Provider.capabilities
    assert (able.tools, able.images, able.other_parts, able.logprobs) == (True, True, False, False)
