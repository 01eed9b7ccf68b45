"""One exchange with a service that speaks OpenAI's dialect, whatever form it answers in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from core.chat.events import Batch
from core.chat.ports import ModelInfo
from core.chat.requests import Json
from core.dialects.answers import first_byte, json_body
from core.dialects.openai import Decoder
from core.dialects.terms import count
from core.wire.client import HttpClient
from core.wire.decoding import decode_body
from core.wire.sse import SSEFraming


async def exchange(http: HttpClient, url: str, headers: Mapping[str, str], body: Json) -> AsyncGenerator[Batch]:
    """Post `body` to `url` and yield the answer's events: from a stream, or from a whole JSON answer."""
    async with http.request("POST", url, headers=headers, json=body) as answer:
        if await first_byte(answer) in {b"{", b"["}:
            yield list(Decoder().decode_whole(await json_body(answer)))
        else:
            async for batch in decode_body(answer.chunks(), SSEFraming(), Decoder()):
                yield batch


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
    )
