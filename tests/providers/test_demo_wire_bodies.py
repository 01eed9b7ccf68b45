"""The bodies of faults that come in good HTTP: their bytes, and what their chunks say."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.providers.demo.faults.encodings import TINY
from core.providers.demo.faults.fault import TEXT
from core.providers.demo.server import ToyUpstream
from tests.support.rawhttp import Heard, send

FINISHED = b'"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
USAGE = {"stream_options": {"include_usage": True}}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    upstream = ToyUpstream(pace=0.001)
    yield await upstream.url()
    await upstream.aclose()


async def ask(url: str, fault: str, *, stream: bool = True, **more: Any) -> Heard:
    body = {"model": f"fault-{fault}", "messages": [{"role": "user", "content": "Hello"}], "stream": stream, **more}
    heard = await send(f"{url}/chat/completions", body)
    assert heard.status == 200
    return heard


def deltas(heard: Heard) -> list[dict[str, Any]]:
    return [choice["delta"] for event in heard.events[:-1] for choice in event["choices"]]


class TestBytes:
    @pytest.mark.parametrize(
        ("fault", "end"),
        [
            ("no-done", FINISHED),
            ("data-after-done", DONE + b'data: {"choices":[{"index":0,"delta":{"content":" eleven"}}]}\n\n'),
            ("double-done", FINISHED + DONE + DONE),
        ],
    )
    async def test_the_end_of_a_stream(self, url: str, fault: str, end: bytes) -> None:
        heard = await ask(url, fault)
        assert heard.content.endswith(end)
        assert heard.chunks[-1] == b""

    @pytest.mark.parametrize(("fault", "count"), [("malformed-event", 1), ("malformed-3", 3)])
    async def test_events_that_are_no_json(self, url: str, fault: str, count: int) -> None:
        broken = b'data: {"choices":[{"index":0,"delta":{"content":" fi\n\n'
        heard = await ask(url, fault)
        assert heard.content.count(broken * count) == 1
        assert heard.content.count(broken) == count

    async def test_line_ends_take_turns(self, url: str) -> None:
        chunks = (await ask(url, "crlf")).chunks
        assert [chunk[-4:].lstrip(b"}]") for chunk in chunks[:3]] == [b"\r\n\r\n", b"\r\r", b"\n\n"]

    async def test_every_liberty_of_server_sent_events(self, url: str) -> None:
        content = (await ask(url, "bom-comments")).content
        assert content.startswith(b"\xef\xbb\xbf: comment\nevent: message\nid: 7\nretry: 100\ndata: {")
        assert b'\ndata: ,"choices"' in content
        assert b'\ndata:{"' in content

    async def test_a_byte_at_a_time(self, url: str) -> None:
        chunks = (await ask(url, "utf8-split")).chunks
        assert {len(chunk) for chunk in chunks[:-1]} == {1}
        assert " 🦊" in b"".join(chunks).decode()

    @pytest.mark.parametrize(
        ("fault", "letters"), [("invalid-utf8", b"f\xefve"), ("tool-args-invalid-utf8", b"P\xffris")]
    )
    @pytest.mark.parametrize("stream", [True, False])
    async def test_bytes_that_are_no_utf8(self, url: str, fault: str, letters: bytes, stream: bool) -> None:
        content = (await ask(url, fault, stream=stream)).content
        assert letters in content
        with pytest.raises(UnicodeDecodeError):
            content.decode()

    async def test_a_giant_line(self, url: str) -> None:
        content = (await ask(url, "giant-line")).content
        assert max(len(line) for line in content.split(b"\n")) > 20 * 1024 * 1024
        assert content.endswith(DONE)

    async def test_compressed_whole_in_part_and_not_at_all(self, url: str) -> None:
        whole, part, lie = [await ask(url, fault) for fault in ("gzip", "gzip-truncated", "gzip-lie")]
        assert {heard.headers["content-encoding"] for heard in (whole, part, lie)} == {"gzip"}
        assert gzip.decompress(whole.body).endswith(DONE)
        with pytest.raises(EOFError):
            gzip.decompress(part.body)
        assert lie.body.endswith(DONE)

    async def test_a_bomb(self, url: str) -> None:
        press = zlib.decompressobj(31)
        grown = 0
        for chunk in (heard := await ask(url, "gzip-bomb")).chunks:
            grown += len(press.decompress(chunk))
        assert press.eof
        assert grown > 200 * len(heard.body)

    async def test_many_tiny_chunks(self, url: str) -> None:
        heard = await ask(url, "many-tiny")
        assert len(heard.chunks) == TINY + 3
        assert "".join(delta.get("content", "") for delta in deltas(heard)) == "x" * TINY

    @pytest.mark.parametrize("fault", ["no-done", "malformed-3", "crlf", "utf8-split"])
    async def test_a_whole_answer_knows_no_events(self, url: str, fault: str) -> None:
        heard = await ask(url, fault, stream=False)
        assert heard.json["choices"][0]["finish_reason"] == "stop"


class TestContents:
    @pytest.mark.parametrize(
        ("fault", "reasons"),
        [
            ("no-finish", []),
            ("finish-foreign", ["eos"]),
            ("finish-max-tokens", ["MAX_TOKENS"]),
            ("double-finish", ["stop", "stop"]),
            ("tool-finish-stop", ["stop"]),
        ],
    )
    async def test_reasons_to_finish(self, url: str, fault: str, reasons: list[str]) -> None:
        choices = [choice for event in (await ask(url, fault)).events[:-1] for choice in event["choices"]]
        assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == reasons

    async def test_two_roles_and_one_text(self, url: str) -> None:
        said = deltas(await ask(url, "double-finish"))
        assert sum("role" in delta for delta in said) == 2
        assert "".join(delta.get("content", "") for delta in said) == TEXT

    @pytest.mark.parametrize(
        ("fault", "counts"),
        [
            ("usage-strings", [("3", "10")]),
            ("usage-negative", [(-1, -1)]),
            ("usage-missing", []),
            ("usage-everywhere", [(3, max(1, min(said, 10))) for said in range(12)]),
        ],
    )
    async def test_counts(self, url: str, fault: str, counts: list[tuple[Any, Any]]) -> None:
        events = (await ask(url, fault, **USAGE)).events[:-1]
        usages = [event["usage"] for event in events if "usage" in event]
        assert [(usage["prompt_tokens"], usage["completion_tokens"]) for usage in usages] == counts

    async def test_an_emoji_in_halves(self, url: str) -> None:
        heard = await ask(url, "surrogates-split")
        assert [piece.count(rb"\ud83e") + 2 * piece.count(rb"\udd8a") for piece in heard.chunks[2:4]] == [1, 2]
        whole = await ask(url, "surrogates-split", stream=False)
        assert whole.json["choices"][0]["message"]["content"] == "a fox: 🦊 runs"

    async def test_arguments_in_python(self, url: str) -> None:
        whole = (await ask(url, "tool-args-broken", stream=False)).json["choices"][0]["message"]
        assert whole["tool_calls"][0]["function"]["arguments"] == "{'city': 'Paris',}"

    @pytest.mark.parametrize(
        ("fault", "key", "values"),
        [
            ("tool-index-missing", "index", ["absent"] * 7),
            ("tool-index-null", "index", [None] * 7),
            ("tool-index-repeated", "index", [0] * 7),
            ("tool-index-float", "index", [0.0] * 4 + [1.0] * 3),
            ("tool-id-missing", "id", ["absent"] * 7),
            ("tool-id-duplicate", "id", ["call_same", *["absent"] * 3, "call_same", *["absent"] * 2]),
        ],
    )
    async def test_what_a_call_lacks(self, url: str, fault: str, key: str, values: list[Any]) -> None:
        calls = [call for delta in deltas(await ask(url, fault)) for call in delta.get("tool_calls", [])]
        assert [call.get(key, "absent") for call in calls] == values
        arguments = "".join(call["function"]["arguments"] for call in calls)
        assert arguments == '{"city": "Paris"}{"city": "Oslo"}'
