"""One exchange with a service that speaks OpenAI's dialect, whatever form it answers in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress

from core.chat.errors import UpstreamTruncated
from core.chat.events import Batch
from core.chat.ports import ModelInfo
from core.chat.requests import Json
from core.dialects.answers import first_byte, json_body
from core.dialects.openai import Decoder
from core.dialects.openai_kinds import kind_of
from core.dialects.terms import count
from core.wire.client import HttpClient
from core.wire.decoding import decode_body
from core.wire.sse import SSEFraming

AFTERTHOUGHT = 2.0
"""Seconds that usage and [DONE] may take after the finish reason; without them the answer is whole as well."""

LONGEST_DESCRIPTION = 300
"""Characters: some services tell a page about each of hundreds of models."""


async def exchange(http: HttpClient, url: str, headers: Mapping[str, str], body: Json) -> AsyncGenerator[Batch]:
    """Post `body` to `url` and yield the answer's events: from a stream, or from a whole JSON answer."""
    async with http.request("POST", url, headers=headers, json=body) as answer:
        if await first_byte(answer) in {b"{", b"["}:
            yield Decoder().decode_whole(await json_body(answer))
        else:
            decoder = Decoder()
            async for batch in decode_body(_to_the_end(answer.chunks(), decoder), SSEFraming(), decoder):
                yield batch


async def _to_the_end(chunks: AsyncIterator[bytes], decoder: Decoder) -> AsyncGenerator[bytes]:
    """`chunks`; once the finish reason is known, silence or a broken connection is an end like any other."""
    while not decoder.may_end:
        if (chunk := await anext(chunks, None)) is None:
            return
        yield chunk
    with suppress(TimeoutError, UpstreamTruncated):
        while True:
            async with asyncio.timeout(AFTERTHOUGHT):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk


async def list_models(http: HttpClient, url: str, headers: Mapping[str, str]) -> list[ModelInfo]:
    """The models that `GET url` lists."""
    async with http.request("GET", url, headers=headers) as answer:
        listed = await json_body(answer)
    entries = listed.get("data", listed.get("models")) if isinstance(listed, dict) else listed
    return [_model(entry) for entry in entries or () if isinstance(entry, dict) and entry.get("id")]


def _model(entry: Mapping[str, Json]) -> ModelInfo:
    return ModelInfo(
        str(entry["id"]),
        str(entry.get("owned_by") or ""),
        count(entry.get("context_length") or entry.get("max_model_len")),
        description=str(entry.get("description") or "")[:LONGEST_DESCRIPTION],
        kind=kind_of(entry),
    )
