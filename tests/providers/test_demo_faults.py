"""Every fault, through the provider: the error a client must see is what the registry says, and so is a success."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from core.chat.completion import Completion, collect
from core.chat.errors import UpstreamError
from core.chat.options import Options
from core.chat.ports import NO_TOKEN
from core.chat.requests import ChatRequest, Message
from core.providers.demo import Provider
from core.providers.demo.faults import FAULTS
from core.providers.demo.faults.contents import TWO_CALLS
from core.providers.demo.faults.encodings import TINY
from core.providers.demo.faults.fault import SPOILT, TEXT
from core.wire.client import HttpClient

ONCE = [name for name in FAULTS if name.endswith("-once")]
SILENT = [name for name, fault in FAULTS.items() if "timeout" in fault.client and name != "fault-http-408"]
LOUD = [name for name in FAULTS if name not in {*ONCE, *SILENT}]
_STATUS = re.compile(r"\b([45]\d\d)(?: (\w+_\w+))?")


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    http = HttpClient()
    provider = Provider(Options("providers.demo", {"pace": 0.001}), http)
    yield provider
    await provider.aclose()
    await http.aclose()


async def ask(provider: Provider, model: str) -> Completion:
    return await collect(provider.stream(ChatRequest(model, (Message("user", "Hello"),), include_usage=True), NO_TOKEN))


def test_the_registry_reads_as_a_table() -> None:
    assert all(name == fault.name and name.startswith("fault-") for name, fault in FAULTS.items())
    assert all(
        fault.upstream and fault.client and "\n" not in fault.upstream + fault.client for fault in FAULTS.values()
    )
    descriptions = [fault.upstream for fault in FAULTS.values()]
    assert len(set(descriptions)) == len(descriptions)


@pytest.mark.parametrize("name", LOUD)
async def test_a_fault_comes_to_what_the_registry_says(provider: Provider, name: str) -> None:
    fault = FAULTS[name]
    expected = _STATUS.search(fault.client)
    if expected is None and fault.client != SPOILT:
        answer = await ask(provider, name)
        assert answer.finish is not None
        assert answer.finish.reason == ("length" if "length" in fault.client else answer.finish.reason)
        assert answer.text or answer.tool_calls
        return
    with pytest.raises(UpstreamError) as caught:
        await ask(provider, name)
    if expected is not None:
        assert caught.value.status == int(expected[1])
        assert expected[2] in {None, caught.value.code}


@pytest.mark.parametrize("name", ONCE)
async def test_a_fault_at_every_other_request_is_over_after_one(provider: Provider, name: str) -> None:
    with pytest.raises(UpstreamError):
        await ask(provider, name)
    assert (await ask(provider, name)).text == TEXT


@pytest.mark.parametrize("name", SILENT)
async def test_a_silent_upstream_ends_when_its_client_goes(provider: Provider, name: str) -> None:
    """The gateway's clocks decide when; here the upstream must let go of its connection when asked to close."""
    stream = provider.stream(ChatRequest(name, (Message("user", "Hello"),), stream=True), NO_TOKEN)
    if name == "fault-stall-mid-stream":
        assert await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    await provider.aclose()
    assert not provider._upstreams


NORMAL = ["slow-first-byte", "wrong-content-type", "whole-json", "sse-anyway", "slow-mid", "no-done", "data-after-done",
          "double-done", "malformed-event", "crlf", "bom-comments", "gzip", "no-finish", "finish-foreign",
          "finish-max-tokens", "double-finish", "usage-strings", "usage-negative",
          "usage-missing", "usage-everywhere"]  # fmt: skip


@pytest.mark.parametrize("name", NORMAL)
async def test_a_fault_that_does_no_harm_leaves_the_text_whole(provider: Provider, name: str) -> None:
    assert (await ask(provider, f"fault-{name}")).text == TEXT


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("utf8-split", "naïve café — 你好，世界 🦊"),
        ("surrogates-split", "a fox: 🦊 runs"),
        ("invalid-utf8", TEXT.replace("five", "f\ufffdve")),
        ("many-tiny", "x" * TINY),
    ],
)
async def test_hard_texts_arrive_as_they_were_meant(provider: Provider, name: str, text: str) -> None:
    assert (await ask(provider, f"fault-{name}")).text == text


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.client.startswith(TWO_CALLS[:14])])
async def test_tool_calls_come_apart(provider: Provider, name: str) -> None:
    answer = await ask(provider, name)
    assert [call.arguments for call in answer.tool_calls] == ['{"city": "Paris"}', '{"city": "Oslo"}']
    assert len({call.call_id for call in answer.tool_calls}) == 2
    assert answer.finish is not None
    assert answer.finish.reason == "tool_calls"
