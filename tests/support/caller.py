"""A caller of the gateway who sees an answer as the bytes it is, and what they say in OpenAI's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.support.gateway import KEY
from tests.support.rawhttp import Heard

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"


class Said(Heard):
    """An answer, whole or streamed."""

    @property
    def is_complete(self) -> bool:
        """Whether HTTP itself says that the body has ended."""
        if "transfer-encoding" in self.headers:
            return self.chunks[-1:] == [b""]
        return len(self.body) == int(self.headers["content-length"])

    @property
    def is_stream(self) -> bool:
        return self.headers["content-type"].startswith("text/event-stream")

    @property
    def comments(self) -> int:
        return self.content.decode().count("\n: keep-alive") + self.content.startswith(b": keep-alive")

    @property
    def is_done(self) -> bool:
        return self.content.endswith(b"data: [DONE]\n\n") and self.content.count(b"[DONE]") == 1

    @property
    def objects(self) -> list[Any]:
        """The JSON of all events, or the one object that a whole answer is."""
        if not self.is_stream:
            return [self.json]
        lines = self.content.decode().split("\n\n")
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ") and line != "data: [DONE]"]

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that it is, or ends with."""
        error: dict[str, Any] | None = self.objects[-1].get("error") if self.objects else None
        return error

    @property
    def choices(self) -> list[Any]:
        return [choice for found in self.objects for choice in found.get("choices", ())]

    def all_of(self, field: str) -> str:
        """What the deltas, or the message, hold in `field`, joined."""
        parts = [choice.get("delta") or choice.get("message") or choice for choice in self.choices]
        return "".join(part.get(field) or "" for part in parts)

    @property
    def text(self) -> str:
        return self.all_of("content") or self.all_of("text")

    @property
    def finishes(self) -> list[str]:
        return [choice["finish_reason"] for choice in self.choices if choice.get("finish_reason")]

    @property
    def calls(self) -> list[tuple[str, str, str]]:
        """Id, name and arguments of each tool call."""
        calls: dict[int, list[str]] = {}
        for choice in self.choices:
            fragments = (choice.get("delta") or choice.get("message") or {}).get("tool_calls") or ()
            for position, fragment in enumerate(fragments):
                call = calls.setdefault(fragment.get("index", position), ["", "", ""])
                function = fragment["function"]
                for place, more in enumerate((fragment.get("id"), function.get("name"), function.get("arguments"))):
                    call[place] += more or ""
        return [(call_id, name, arguments) for call_id, name, arguments in calls.values()]

    @property
    def usage(self) -> Any:
        return next((found["usage"] for found in reversed(self.objects) if found.get("usage")), None)


def request(
    url: str, body: Any, *, path: str = CHAT, method: str = "POST", headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of a request with a valid key; a header that is None in `headers` is left out."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields: dict[str, str | None] = {
        "Host": urlsplit(url).netloc,
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Connection": "close",
        **(headers or {}),
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


@asynccontextmanager
async def calling(url: str, sent: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which `sent` was sent; leaving the block hangs up."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        writer.write(sent)
        yield reader
    finally:
        writer.transport.abort()


async def read(reader: asyncio.StreamReader) -> Said:
    """All that comes until the connection ends, however it ends."""
    heard = bytearray()
    try:
        while part := await reader.read(1 << 20):
            heard += part
    except ConnectionResetError:
        return Said(bytes(heard), reset=True)
    return Said(bytes(heard))


async def call(url: str, body: Any, **options: Any) -> Said:
    """The answer to one request."""
    async with calling(url, request(url, body, **options)) as reader:
        return await read(reader)
