"""Upstreams in OpenAI's dialect, for the gateway to stand in front of."""

from __future__ import annotations

import asyncio
import json

from tests.support.upstream import Script, Seen, Upstream, Wire

TOML = """
[providers.up]
kind = "openai"
base_url = "{url}"
models = ["m"]
"""


def toml(up: Upstream) -> str:
    return TOML.format(url=up.url)


def event(content: str | None = None, finish: str | None = None, **more: object) -> bytes:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def begin(wire: Wire) -> None:
    await wire.head(content_type="text/event-stream")


async def end(wire: Wire) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
    await wire.chunk(event(finish="stop", usage=usage) + b"data: [DONE]\n\n")
    await wire.finish()


def says(*texts: str) -> Script:
    """Answers everything with these texts, and leaves the connection open for the next question."""

    async def script(_: Seen, wire: Wire) -> None:
        await begin(wire)
        for text in texts:
            await wire.chunk(event(text))
        await end(wire)

    return script


async def fails(_: Seen, wire: Wire) -> None:
    await wire.reply(500, '{"error": {"message": "out of order"}}')


async def breaks(_: Seen, wire: Wire) -> None:
    await begin(wire)
    await wire.chunk(event("half an "))
    wire.reset()


async def never_ends(_: Seen, wire: Wire) -> None:
    await begin(wire)
    while True:
        await wire.chunk(event("on and "))
        await asyncio.sleep(0.02)


class Steps:
    """Says one word at a time, each only when it is told to."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._may = asyncio.Semaphore(0)

    def go_on(self) -> None:
        self._may.release()

    async def __call__(self, _: Seen, wire: Wire) -> None:
        await begin(wire)
        for word in self._words:
            await self._may.acquire()
            await wire.chunk(event(word))
        await end(wire)
