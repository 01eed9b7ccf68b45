"""gptanon.com, and every site that streams `{"type":"token"}` events: one message goes in, an answer comes out.

No conversation is kept at the site: each request carries its whole history, folded into one message.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.events import Batch, Finish, StreamEvent, TextDelta
from core.chat.options import Options
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest, Image, Json
from core.dialects.answers import first_byte, json_body
from core.dialects.dataurls import data_url
from core.dialects.failures import from_event
from core.dialects.folding import fold
from core.dialects.parameters import left_out
from core.dialects.pictures import inlined
from core.dialects.surrogates import Surrogates
from core.wire.client import HttpClient
from core.wire.decoding import decode_body
from core.wire.frames import Frame
from core.wire.sse import SSEFraming

CHAT_PATH = "/api/chat/stream"
MODELS_PATH = "/api/models"
MALFORMED_IN_A_ROW = 3


class Provider:
    """`url` is the whole chat endpoint, for sites that have it elsewhere than gptanon.com."""

    capabilities = Capabilities(images=True)

    def __init__(self, options: Options, http: HttpClient) -> None:
        base_url = options.text("base_url", "https://www.gptanon.com").rstrip("/")
        self._url = options.text("url", "") or base_url + CHAT_PATH
        site = site_of(self._url)
        if not site:
            raise options.error("url" if "url" in options else "base_url", "must begin with http:// or https://")
        self._models_url = (self._url.removesuffix(CHAT_PATH) if self._url.endswith(CHAT_PATH) else site) + MODELS_PATH
        origin = options.text("origin", "").rstrip("/") or site
        self._headers = {"Accept": "text/event-stream, */*", "Origin": origin, "Referer": f"{origin}/chat"}
        self._deep_search = options.flag("deep_search", False)
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        self._http = http

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        request = await inlined(request, self._http)
        body = encode(request, deep_search=self._deep_search)
        async with self._http.request("POST", self._url, headers=self._headers_with(token), json=body) as answer:
            if await first_byte(answer) == b"{":
                raise from_event(await json_body(answer))
            if notices := left_out(request):
                yield notices
            async for batch in decode_body(answer.chunks(), SSEFraming(), Decoder()):
                yield batch

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        headers = {**self._headers_with(token), "Accept": "application/json"}
        async with self._http.request("GET", self._models_url, headers=headers) as answer:
            listed = await json_body(answer)
        if not isinstance(listed, list):
            raise UpstreamBadResponse("The upstream's list of models is no list.")
        return [ModelInfo(model) for entry in listed if (model := _active_model(entry))]

    def _headers_with(self, token: Token) -> dict[str, str]:
        """gptanon.com asks for no token; another site of its kind may."""
        return {**self._headers, "Authorization": f"Bearer {token.secret}"} if token.secret else self._headers


def site_of(url: str) -> str:
    """Scheme and host of an http or https address; empty for anything else."""
    found = re.match(r"(https?://)(?:[^/?#]*@)?([^/?#]+)", url)
    return "".join(found.groups()) if found else ""


def encode(request: ChatRequest, *, deep_search: bool = False) -> dict[str, Json]:
    """The body of the one request that there is."""
    body: dict[str, Json] = {
        "message": fold(request.messages),
        "modelIds": [request.model],
        "deepSearchEnabled": deep_search,
    }
    if attachments := _attachments(request):
        body["attachments"] = attachments
    return body


def _attachments(request: ChatRequest) -> list[Json]:
    """The pictures of all turns, in order."""
    attachments: list[Json] = []
    for turn, message in enumerate(request.messages):
        for place, part in enumerate(message.parts):
            if isinstance(part, Image):
                param = f"messages[{turn}].content[{place}].image_url"
                attachments.append(_attachment(part.url, len(attachments) + 1, param))
    return attachments


def _attachment(url: str, number: int, param: str) -> Json:
    media_type, content = data_url(url, param)
    size = len(content.rstrip("=")) * 3 // 4
    extension = media_type.removeprefix("image/").partition("+")[0]
    name = f"image-{number}"
    return {"id": name, "name": f"{name}.{extension}", "type": media_type, "size": size, "url": url}


def _active_model(entry: Json) -> str:
    model = entry.get("modelId") if isinstance(entry, dict) and entry.get("isActive", True) else None
    return model if isinstance(model, str) else ""


class Decoder:
    """Decodes one answer.

    `complete` repeats the whole text; only what the tokens did not bring is taken from it. The site is known to
    leave out both `complete` and `done`: then the lawful end of the HTTP body is the end, noted as `eof`. A body
    that breaks off never gets here, since the wire raises for it.
    """

    def __init__(self) -> None:
        self.finished = False
        self._marked = False
        self._said: list[str] = []
        self._surrogates = Surrogates()
        self._malformed = 0

    def decode(self, frame: Frame) -> Sequence[StreamEvent]:
        try:
            event = json.loads(frame.data)
            kind = event.get("type")
        except (ValueError, AttributeError, RecursionError):
            return self._skip(frame)
        self._malformed = 0
        if kind == "token":
            return self._token(event.get("token"))
        if kind == "complete":
            return self._complete(event.get("content"))
        if kind == "done":
            return self._finish()
        if kind == "error" or event.get("error"):
            raise from_event(event)
        return ()

    def end(self) -> Iterable[StreamEvent]:
        return self._finish("eof" if not self._marked else None)

    def _token(self, token: Json) -> Sequence[StreamEvent]:
        return self._say(self._surrogates.join(token)) if isinstance(token, str) else ()

    def _complete(self, content: Json) -> Sequence[StreamEvent]:
        self._marked = True
        said = "".join(self._said)
        if not isinstance(content, str) or not content.startswith(said):
            return ()
        self._surrogates = Surrogates()
        return self._say(self._surrogates.join(content[len(said) :]))

    def _say(self, text: str) -> Sequence[StreamEvent]:
        if not text:
            return ()
        self._said.append(text)
        return (TextDelta(text),)

    def _finish(self, raw: str | None = None) -> Sequence[StreamEvent]:
        rest = self._say(self._surrogates.end())
        if not self._said:
            raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        self.finished = True
        return (*rest, Finish("stop", raw))

    def _skip(self, frame: Frame) -> Sequence[StreamEvent]:
        """One damaged event is no reason to stop; a row of them is another dialect."""
        if frame.data.strip() == "[DONE]":
            self._marked = True
            return ()
        self._malformed += 1
        if self._malformed >= MALFORMED_IN_A_ROW:
            raise UpstreamBadResponse(f"The upstream sent {MALFORMED_IN_A_ROW} events in a row that cannot be read.")
        return ()
