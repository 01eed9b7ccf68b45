"""A provider that needs no credentials and no network: it brings its own upstream, a toy on the loopback interface.

Everything else is as for any provider: OpenAI's dialect over a TCP connection. Its models repeat, tell stories, think
and call tools (`voices`), or misbehave in every way an upstream can (`faults`). The `studio` makes what is no chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from core.chat.errors import Blame, UpstreamError
from core.chat.events import Batch
from core.chat.options import Options
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest
from core.dialects.openai import encode
from core.dialects.openai_exchange import exchange, list_models
from core.providers.demo.server import TOKEN, ToyUpstream
from core.providers.demo.studio import MODELS, PREFIX, Studio, expect
from core.wire.client import HttpClient

_HEADERS: Final[Mapping[str, str]] = {"Authorization": f"Bearer {TOKEN}"}


class Provider(Studio):
    """`pace` scales every pause that the toy upstream makes: 1 for people, a hundredth for tests."""

    capabilities = Capabilities(tools=True, images=True, other_parts=True, stop=True, token_limit=True)

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._base_url = options.text("base_url", "").rstrip("/")
        self._pace = options.number("pace", 1.0, least=0.001)
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        super().__init__(self._pace)
        self._http = http
        self._upstreams: dict[asyncio.AbstractEventLoop, ToyUpstream] = {}

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:  # noqa: ARG002  # the demo has its own
        expect("chat", request.model)
        request = replace(request, model=request.model.removeprefix(PREFIX))
        url = f"{await self._url()}/chat/completions"
        try:
            async with aclosing(exchange(self._http, url, _HEADERS, encode(request))) as events:
                async for batch in events:
                    yield batch
        except UpstreamError as error:
            error.blame, error.bench = Blame.NOTHING, None  # one model's fault must not take the others away
            raise

    async def models(self, token: Token) -> Sequence[ModelInfo]:  # noqa: ARG002  # the demo has its own
        listed = await list_models(self._http, f"{await self._url()}/models", _HEADERS)
        return [*(replace(info, model=PREFIX + info.model) for info in listed), *MODELS]

    async def aclose(self) -> None:
        """Stop this event loop's upstream; a later request starts another."""
        self._forget_ended_loops()
        if upstream := self._upstreams.pop(asyncio.get_running_loop(), None):
            await upstream.aclose()

    async def _url(self) -> str:
        """Where the upstream is; without a `base_url` it is our own, started for the running loop."""
        if self._base_url:
            return self._base_url
        loop = asyncio.get_running_loop()
        if loop not in self._upstreams:
            self._forget_ended_loops()
            self._upstreams[loop] = ToyUpstream(self._pace)
        return await self._upstreams[loop].url()

    def _forget_ended_loops(self) -> None:
        for loop in [loop for loop in self._upstreams if loop.is_closed()]:
            self._upstreams.pop(loop).abandon()
