"""Puter (puter.com): several hundred models of many vendors behind one account, asked through its driver call.

Any Puter token will do, also a free account's. Puter's official OpenAI-compatible endpoint is another thing: it wants
a paid plan, hides errors and reasoning, and is served by `kind = "openai"` with
`base_url = "https://api.puter.com/puterai/openai/v1"`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from core.chat.errors import UpstreamBadResponse
from core.chat.events import Batch
from core.chat.options import Options
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest
from core.dialects.answers import json_body
from core.dialects.pictures import inlined
from core.providers.puter.answer import Decoder
from core.providers.puter.driver import Driver, call, check
from core.providers.puter.models import Catalogue, Dialect, model_info
from core.providers.puter.request import encode, left_out
from core.wire.client import HttpAnswer, HttpClient
from core.wire.decoding import decode_body
from core.wire.frames import Framing
from core.wire.jsonvalues import JsonValuesFraming
from core.wire.lines import LineFraming

CHAT = Driver("puter-chat-completion", "ai-chat", "complete")
MODELS_PATH = "/puterai/chat/models/details"
PATIENCE = 120.0
"""Puter asks up to three vendors in turn, each several times, before it says that it failed."""


class Provider:
    capabilities = Capabilities(tools=True, images=True)

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._base_url = options.text("base_url", "https://api.puter.com").rstrip("/")
        self.first_event_timeout = options.optional_number("first_event_timeout", PATIENCE)
        options.done()
        self._http = http
        self._catalogue = Catalogue()

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        vendor = self._catalogue.vendor(request.model)
        if vendor.dialect is Dialect.CLAUDE:
            request = await inlined(request, self._http)
        args = encode(request, vendor)
        async with call(self._http, self._base_url, token.secret, CHAT, args) as answer:
            if notices := left_out(request, vendor):
                yield notices
            async for batch in decode_body(answer.chunks(), _framing(answer), Decoder(vendor, request.max_tokens)):
                yield batch

    async def models(self, token: Token) -> Sequence[ModelInfo]:  # noqa: ARG002  # anyone may ask
        """All chat models."""
        async with self._http.request("GET", self._base_url + MODELS_PATH) as answer:
            await check(answer)
            listed = await json_body(answer)
        entries = listed.get("models") if isinstance(listed, dict) else None
        if not isinstance(entries, list):
            raise UpstreamBadResponse("The upstream's list of models is no list.")
        self._catalogue.learn(entries)
        return [info for entry in entries if (info := model_info(entry))]


def _framing(answer: HttpAnswer) -> Framing:
    """One JSON document may span lines; of a stream, every line is an event of its own."""
    is_document = answer.headers.get("content-type", "").lower().startswith("application/json")
    return JsonValuesFraming() if is_document else LineFraming()
