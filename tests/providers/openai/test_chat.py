"""Conversations, against recorded answers and a scripted service on a real socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.api.chat_completions import PROXY_DEFAULTS, parse
from core.chat.completion import Completion, collect
from core.chat.errors import UpstreamError
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, ModelInfo, Token
from core.chat.requests import ChatRequest, FunctionTool, Message, Text
from core.dialects.openai import Decoder, encode
from core.providers.openai import Provider
from core.wire.client import HttpClient
from core.wire.sse import SSEFraming
from tests.support.recordings import Recording, cuts, recordings, replay, sse
from tests.support.upstream import Seen, Upstream, Wire, upstream

RECORDINGS = recordings("openai")
STREAMED = [name for name, one in RECORDINGS.items() if one.raw.lstrip(b"\xef\xbb\xbf").startswith(b"data")]


@pytest.mark.parametrize("name", STREAMED)
def test_recorded_streams_decode_the_same_however_they_are_cut(name: str) -> None:
    recording = RECORDINGS[name]
    for chunks in cuts(recording.raw):
        if recording.expect["error"]:
            with pytest.raises(UpstreamError) as caught:
                replay(chunks, SSEFraming(), Decoder())
            assert recording.expect["error"]["message_contains"] in caught.value.message
        else:
            _matches(replay(chunks, SSEFraming(), Decoder()), recording)


@pytest.mark.parametrize("name", [name for name in RECORDINGS if not name.startswith("edgeone")])
def test_the_request_is_what_the_service_expects(name: str) -> None:
    exchange = RECORDINGS[name].exchange
    chats, _ = parse(
        {**PROXY_DEFAULTS, **exchange["openai_request"]} if "proxy" in name else exchange["openai_request"]
    )
    assert encode(chats[0]) == exchange["upstream"]["body"]


def _matches(done: Completion, recording: Recording) -> None:
    expect = recording.expect
    assert (done.text, done.reasoning) == (expect["text"], expect["reasoning"])
    assert done.finish is not None
    assert done.finish.reason == expect["finish_reason"]
    if expect["usage"] is None:
        assert done.finish.usage is None
    else:
        assert done.finish.usage is not None
        assert done.finish.usage.total_tokens == expect["usage"]["total_tokens"]


class Service:
    """Answers as its list of replies says, one for each request."""

    def __init__(self, *replies: tuple[int, Any]) -> None:
        self.replies = list(replies)

    async def __call__(self, _: Seen, wire: Wire) -> None:
        status, body = self.replies.pop(0)
        if isinstance(body, bytes):
            await wire.reply(status, body, content_type="text/event-stream")
        else:
            await wire.reply(status, json.dumps(body))


GOOD = (200, sse({"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}, b"[DONE]"))
ASKED = ChatRequest("m", (Message("user", "hi"),))
TOKEN = Token("t-1", "sk-upstream", {"ORG": "org-7"})


def provider(service: Upstream, http: HttpClient, **table: Any) -> Provider:
    return Provider(Options("providers.o", {"base_url": f"{service.url}/v1/", **table}), http)


async def test_the_token_goes_up_as_bearer_beside_the_configured_headers(http: HttpClient) -> None:
    async with upstream(Service(GOOD)) as service:
        done = await collect(provider(service, http, headers={"x-org": "secret://ORG"}).stream(ASKED, TOKEN))
    assert done.text == "ok"
    assert service.seen[0].path == "/v1/chat/completions"
    assert service.seen[0].headers["authorization"] == "Bearer sk-upstream"
    assert service.seen[0].headers["x-org"] == "org-7"


async def test_no_token_means_no_authorization_header(http: HttpClient) -> None:
    async with upstream(Service(GOOD)) as service:
        await collect(provider(service, http).stream(ASKED, NO_TOKEN))
    assert "authorization" not in service.seen[0].headers


@pytest.mark.parametrize("recording", ["openai-sse-as-json", "openai-proxy-401"])
async def test_recorded_json_answers(http: HttpClient, recording: str) -> None:
    recorded = RECORDINGS[recording]
    async with upstream(Service((recorded.expect["http"]["status"], json.loads(recorded.raw)))) as service:
        stream = provider(service, http).stream(ASKED, NO_TOKEN)
        if recorded.expect["error"] is None:
            _matches(await collect(stream), recorded)
        else:
            with pytest.raises(UpstreamError) as caught:
                await collect(stream)
            assert caught.value.status == recorded.expect["error"]["client_status"]


def refusal(message: str, param: str | None = None) -> tuple[int, Any]:
    return 400, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}


async def test_a_refused_parameter_is_left_out_once_and_for_all(http: HttpClient) -> None:
    async with upstream(Service(refusal("Unknown parameter: stream_options"), GOOD, GOOD)) as service:
        one = provider(service, http)
        assert (await collect(one.stream(ASKED, NO_TOKEN))).notices == []
        await collect(one.stream(ASKED, NO_TOKEN))
    assert ["stream_options" in seen.json for seen in service.seen] == [True, False, False]


async def test_tools_that_a_service_does_not_know_are_named_to_the_caller(http: HttpClient) -> None:
    asked = ChatRequest("m", ASKED.messages, tools=(FunctionTool("f"),), tool_choice="auto")
    async with upstream(Service(refusal("tools is not supported", "tools"), GOOD)) as service:
        done = await collect(provider(service, http).stream(asked, NO_TOKEN))
    assert done.notices == ["tools"]
    assert not {"tools", "tool_choice"} & service.seen[1].json.keys()


async def test_a_mistake_in_the_callers_tools_is_the_callers(http: HttpClient) -> None:
    asked = ChatRequest("m", ASKED.messages, tools=(FunctionTool("f"),))
    async with upstream(Service(refusal("Invalid schema for function in tools", "tools[0]"))) as service:
        with pytest.raises(UpstreamError) as caught:
            await collect(provider(service, http).stream(asked, NO_TOKEN))
    assert caught.value.status == 400
    assert len(service.seen) == 1


async def test_a_schema_becomes_an_instruction_step_by_step(http: HttpClient) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "title": "城市"}}}
    asked = ChatRequest("m", ASKED.messages, parameters={"response_format": schema})
    refused = refusal("This response_format type is not supported")
    async with upstream(Service(refused, refused, GOOD)) as service:
        done = await collect(provider(service, http).stream(asked, NO_TOKEN))
    assert done.notices == ["response_format"]
    formats = [seen.json.get("response_format", {}).get("type") for seen in service.seen]
    assert formats == ["json_schema", "json_object", None]
    assert "城市" in service.seen[2].json["messages"][0]["content"]


async def test_a_limit_is_said_by_its_other_name(http: HttpClient) -> None:
    asked = ChatRequest("m", ASKED.messages, parameters={"max_tokens": 5})
    refused = refusal("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens")
    async with upstream(Service(refused, GOOD)) as service:
        await collect(provider(service, http).stream(asked, NO_TOKEN))
    assert service.seen[1].json["max_completion_tokens"] == 5
    assert "max_tokens" not in service.seen[1].json


async def test_marks_for_anthropics_cache_are_kept_until_a_service_refuses_them(http: HttpClient) -> None:
    parts = (Text("hi", {"cache_control": {"type": "ephemeral"}}), Text("there"))
    asked = ChatRequest("m", (Message("system", "s"), Message("user", parts)))
    refused = refusal("'messages.1.content.0': property 'cache_control' is unsupported")
    async with upstream(Service(refused, GOOD, GOOD)) as service:
        one = provider(service, http)
        assert (await collect(one.stream(asked, NO_TOKEN))).notices == []
        await collect(one.stream(asked, NO_TOKEN))
    contents = [seen.json["messages"][1]["content"] for seen in service.seen]
    assert ["cache_control" in content[0] for content in contents] == [True, False, False]
    assert [part["text"] for part in contents[1]] == ["hi", "there"]


async def test_a_service_that_keeps_refusing_is_asked_no_more(http: HttpClient) -> None:
    async with upstream(Service(*[refusal("stream_options unknown")] * 5)) as service:
        with pytest.raises(UpstreamError):
            await collect(provider(service, http).stream(ASKED, NO_TOKEN))
    assert len(service.seen) == 2


async def test_models(http: HttpClient) -> None:
    entries = [{"id": "a", "owned_by": "x", "context_length": 4096}, {"id": "b"}, {"no": 1}, {"id": "whisper-1"}]
    async with upstream(Service((200, {"object": "list", "data": entries}))) as service:
        models = await provider(service, http).models(TOKEN)
    assert models == [ModelInfo("a", "x", 4096), ModelInfo("b"), ModelInfo("whisper-1", kind="transcription")]
    assert service.seen[0].path == "/v1/models"
