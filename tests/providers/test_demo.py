"""The demo as a provider: started when it is needed, gone when it is closed, and a real connection in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.chat.completion import Completion, collect
from core.chat.errors import Blame, ConfigError, UpstreamError, UpstreamTruncated
from core.chat.events import Finish, Usage
from core.chat.options import Options
from core.chat.ports import NO_TOKEN
from core.chat.requests import ChatRequest, FunctionTool, Image, Message, Text
from core.providers.demo import Provider
from core.providers.demo.connection import Connection
from core.providers.demo.faults import FAULTS
from core.providers.demo.server import ToyUpstream
from core.providers.demo.studio import MODELS, PREFIX
from core.providers.demo.voices import VOICES
from core.wire.client import HttpClient
from tests.support.upstream import Seen, Wire, upstream


def demo(http: HttpClient, **options: Any) -> Provider:
    return Provider(Options("providers.demo", {"pace": 0.001, **options}), http)


def request(model: str, content: Any = "Hello, dear world!", **more: Any) -> ChatRequest:
    return ChatRequest(model, (Message("user", content),), stream=True, include_usage=True, **more)


async def ask(provider: Provider, model: str, content: Any = "Hello, dear world!", **more: Any) -> Completion:
    return await collect(provider.stream(request(model, content, **more), NO_TOKEN))


async def listening(url: str) -> bool:
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.aclose()


@pytest.fixture
async def provider(http: HttpClient) -> AsyncIterator[Provider]:
    provider = demo(http)
    yield provider
    await provider.aclose()


async def test_echo_takes_the_whole_road(provider: Provider) -> None:
    answer = await ask(provider, "echo")
    assert answer.text == "Hello, dear world!"
    assert answer.finish == Finish("stop", "stop", Usage(3, 3))


async def test_words_arrive_while_the_story_is_told(provider: Provider) -> None:
    batches = [batch async for batch in provider.stream(request("story"), NO_TOKEN)]
    assert len(batches) > 10


async def test_echo_sees_images(provider: Provider) -> None:
    answer = await ask(provider, "demo/echo", (Text("Look:"), Image("data:image/png;base64,AA==")))
    assert answer.text == "Look: [image]"


async def test_reasoning_and_tools_take_the_whole_road(provider: Provider) -> None:
    assert (await ask(provider, "reasoning")).reasoning.startswith("The user wrote 18 characters")
    answer = await ask(provider, "tools", "both", tools=(FunctionTool("look", None, {"properties": {"city": {}}}),))
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("look", '{"city": "Paris"}')] * 2
    assert answer.finish is not None
    assert answer.finish.reason == "tool_calls"


async def test_models_lists_voices_and_faults_through_http_and_then_what_is_no_chat(provider: Provider) -> None:
    models = await provider.models(NO_TOKEN)
    chats = [info.model for info in models if info.kind == "chat"]
    assert chats == [PREFIX + name for name in (*VOICES, *FAULTS)]
    assert [info.model for info in models] == [*chats, *(info.model for info in MODELS)]
    assert {info.owner for info in models} == {"demo"}


async def test_nothing_listens_before_the_first_request(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ToyUpstream] = []
    start = ToyUpstream.url

    async def url(self: ToyUpstream) -> str:
        started.append(self)
        return await start(self)

    monkeypatch.setattr(ToyUpstream, "url", url)
    provider = demo(http)
    assert not started
    await ask(provider, "echo")
    await ask(provider, "echo")
    assert len(set(started)) == 1
    await provider.aclose()


async def test_requests_that_come_first_together_share_one_upstream(provider: Provider) -> None:
    answers = await asyncio.gather(*[ask(provider, "echo", str(number)) for number in range(8)])
    assert [answer.text for answer in answers] == [str(number) for number in range(8)]


async def test_a_caller_who_gives_up_at_the_start_spoils_nothing(provider: Provider) -> None:
    first = asyncio.create_task(ask(provider, "echo"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await ask(provider, "echo")).text == "Hello, dear world!"
    assert first.cancelled()


async def test_aclose_frees_the_port_and_every_task(http: HttpClient) -> None:
    before = asyncio.all_tasks()
    provider = demo(http)
    stalled = provider.stream(request("fault-stall-mid-stream"), NO_TOKEN)
    assert await anext(stalled)
    await ask(provider, "echo")  # its connection stays open for the next request
    url = await provider._url()
    assert len(asyncio.all_tasks() - before) >= 2
    await provider.aclose()
    with pytest.raises(UpstreamTruncated):
        await collect(stalled)
    assert not await listening(url)
    assert asyncio.all_tasks() == before


async def test_a_connection_accepted_while_closing_is_not_served() -> None:
    toy = ToyUpstream()
    await toy.url()
    await toy.aclose()
    late = await asyncio.start_server(toy._serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*late.sockets[0].getsockname())
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    late.close()


async def test_aclose_of_an_idle_provider_does_nothing(http: HttpClient) -> None:
    await demo(http).aclose()
    await ToyUpstream().aclose()


async def test_after_aclose_the_next_request_starts_again(http: HttpClient) -> None:
    provider = demo(http)
    await ask(provider, "echo")
    await provider.aclose()
    assert (await ask(provider, "echo")).text == "Hello, dear world!"
    await provider.aclose()


async def test_closing_the_stream_closes_the_connection(provider: Provider) -> None:
    stream = provider.stream(request("fault-stall-mid-stream"), NO_TOKEN)
    async for _ in stream:
        break
    (toy,) = provider._upstreams.values()
    (serving,) = toy._serving
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    async with asyncio.timeout(5):
        await asyncio.wait([serving])


def test_two_event_loops_one_after_the_other() -> None:
    http = HttpClient()
    provider = demo(http)
    urls: list[str] = []

    async def use(*, close: bool) -> str:
        answer = await ask(provider, "echo")
        urls.append(await provider._url())
        if close:
            await provider.aclose()
            await http.aclose()
        return answer.text

    assert asyncio.run(use(close=False)) == "Hello, dear world!"
    assert asyncio.run(use(close=True)) == "Hello, dear world!"
    assert urls[0] != urls[1]
    assert not any(asyncio.run(listening(url)) for url in urls)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_words_to_a_client_that_has_left_are_an_os_error(loop: str) -> None:
    """A transport that is gone ignores them in asyncio, and raises a RuntimeError in uvloop."""
    spoken: asyncio.Queue[type[Exception] | None] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, 1.0, set())
        connection.reset()
        await asyncio.sleep(0)
        try:
            await connection.send(b"Are you there?")
            spoken.put_nowait(None)
        except Exception as error:  # noqa: BLE001  # its type is what the test is about
            spoken.put_nowait(type(error))

    async def run() -> type[Exception] | None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.close()
        server.close()
        return await spoken.get()

    assert pytest.importorskip(loop).run(run()) is ConnectionResetError


async def test_base_url_leads_to_another_upstream(http: HttpClient) -> None:
    async def script(seen: Seen, wire: Wire) -> None:
        await wire.reply(200, '{"data": [{"id": "other"}]}')

    async with upstream(script) as elsewhere:
        provider = demo(http, base_url=f"{elsewhere.url}/v1/")
        first, *_ = await provider.models(NO_TOKEN)
        assert first.model == "demo/other"
    assert [(seen.path, seen.headers["authorization"]) for seen in elsewhere.seen] == [("/v1/models", "Bearer demo")]
    assert not provider._upstreams


@pytest.mark.parametrize("options", [{"pace": 0}, {"pace": "fast"}, {"paec": 1}, {"base_url": 1}])
def test_wrong_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"providers\.demo\.{next(iter(options))}"):
        demo(HttpClient(), **options)


def test_first_event_timeout_is_a_setting() -> None:
    assert demo(HttpClient()).first_event_timeout is None
    assert demo(HttpClient(), first_event_timeout=3).first_event_timeout == 3.0


async def test_one_models_fault_does_not_take_the_others_away(provider: Provider) -> None:
    for fault in ("fault-http-401", "fault-http-403-challenge"):
        with pytest.raises(UpstreamError) as raised:
            await ask(provider, fault)
        assert (raised.value.blame, raised.value.bench) == (Blame.NOTHING, None)
