"""Recorded exchanges under `tests/providers/recordings/<kind>/`, and every way to cut their bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.chat.completion import Collector, Completion
from core.chat.requests import ChatRequest, Message
from core.wire.decoding import Decoder, decode_chunk, decode_end
from core.wire.frames import Framing

_RECORDINGS = Path(__file__).parent.parent / "providers" / "recordings"


@dataclass(frozen=True)
class Recording:
    """`exchange` is the caller's request with the upstream's, `raw` the upstream's bytes, `expect` what they mean."""

    name: str
    exchange: dict[str, Any]
    raw: bytes
    expect: dict[str, Any]

    @property
    def request(self) -> ChatRequest:
        """The caller's request."""
        asked = self.exchange["openai_request"]
        messages = tuple(Message(message["role"], message["content"]) for message in asked["messages"])
        return ChatRequest(asked["model"], messages, stream=asked["stream"])


def recordings(kind: str) -> dict[str, Recording]:
    """All recordings of one kind of provider by name."""
    return {path.name.removesuffix(".stream.raw"): _read(path) for path in sorted((_RECORDINGS / kind).glob("*.raw"))}


def cuts(raw: bytes) -> Iterator[list[bytes]]:
    """`raw` whole, in two at every offset, and byte by byte."""
    yield [raw]
    yield from ([raw[:offset], raw[offset:]] for offset in range(1, len(raw)))
    yield [raw[offset : offset + 1] for offset in range(len(raw))]


def replay(chunks: Iterable[bytes], framing: Framing, decoder: Decoder) -> Completion:
    """What an answer comes to that arrives in `chunks`."""
    collector = Collector()
    for chunk in chunks:
        for event in decode_chunk(chunk, framing, decoder):
            collector.add(event)
    for event in decode_end(framing, decoder):
        collector.add(event)
    return collector.completion()


def sse(*events: Any) -> bytes:
    """Events as a body of server-sent events: values as JSON, bytes as they are."""
    data = (event if isinstance(event, bytes) else json.dumps(event).encode() for event in events)
    return b"".join(b"data: %s\n\n" % line for line in data)


def ndjson(*values: Any) -> bytes:
    """Values as a body of JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def _read(path: Path) -> Recording:
    stem = path.name.removesuffix(".stream.raw")
    exchange = json.loads(path.with_name(f"{stem}.request.json").read_text("utf-8"))
    expect = json.loads(path.with_name(f"{stem}.expect.json").read_text("utf-8"))
    return Recording(stem, exchange, path.read_bytes(), expect)
