"""Any service that speaks OpenAI's chat.completions: OpenAI itself, DeepSeek, OpenRouter, Ollama, vLLM, …

Unknown parameters pass through. Where such a service refuses a parameter it does not know, the lesson is learned
once for each model: the parameter is left out, or said another way, from then on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from core.chat.errors import UpstreamError
from core.chat.events import Batch, Notice
from core.chat.options import Options
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest
from core.dialects.openai import encode
from core.dialects.openai_concessions import Concession, lesson_of
from core.dialects.openai_exchange import exchange, list_models
from core.wire.client import HttpClient


class Provider:
    capabilities = Capabilities(tools=True, images=True, other_parts=True, logprobs=True)

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._base_url = (
            options.text("base_url", "https://api.openai.com/v1").rstrip("/").removesuffix("/chat/completions")
        )
        self._headers = options.texts("headers")
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        self._http = http
        self._lessons: dict[str, dict[str, Concession]] = {}

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        lessons = self._lessons.setdefault(request.model, {})
        told: set[str] = set()
        while True:
            body = encode(request)
            left_out = [name for name, concede in lessons.items() if concede(body) and name not in told]
            if left_out:
                told.update(left_out)
                yield [Notice(name) for name in left_out]
            url = f"{self._base_url}/chat/completions"
            began = False
            try:
                async with aclosing(exchange(self._http, url, self._auth(token), body)) as batches:
                    async for batch in batches:
                        began = True
                        yield batch
            except UpstreamError as error:
                lesson = lesson_of(error, body)
                if began or lesson is None or lesson[1] is lessons.get(lesson[0]):
                    raise
                lessons[lesson[0]] = lesson[1]
            else:
                return

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        return await list_models(self._http, f"{self._base_url}/models", self._auth(token))

    def _auth(self, token: Token) -> dict[str, str]:
        headers = {name: token.reveal(value) for name, value in self._headers.items()}
        if token.secret:
            headers["Authorization"] = f"Bearer {token.secret}"
        return headers
