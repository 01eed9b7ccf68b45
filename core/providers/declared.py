"""Any service that can be described: a new upstream without code. See docs/declared.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from core.chat.events import Batch
from core.chat.options import Options
from core.chat.ports import ModelInfo, Token
from core.chat.requests import ChatRequest, Json
from core.dialects.answers import first_byte, json_body
from core.dialects.declared.description import read_description
from core.dialects.declared.errors import from_answer
from core.dialects.declared.http_template import HttpTemplate
from core.dialects.declared.request import Filling, outside
from core.dialects.declared.response import Response
from core.dialects.declared.template import Values
from core.dialects.failures import html_page, is_html
from core.dialects.pictures import inlined
from core.wire.client import HttpAnswer, HttpClient
from core.wire.decoding import decode_body


class Provider:
    """What it can do follows from its description."""

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._description = read_description(options)
        self.capabilities = self._description.request.capabilities
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        self._http = http

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        description = self._description
        request = await inlined(request, self._http, wanted=description.request.must_hold)
        filling = Filling(description.request, request, token)
        for step in description.request.steps:
            filling.captured |= step.captured(await self._json(step.template, filling.value))
        async with self._send(description.request.chat, filling.value) as answer:
            response = await self._response(answer)
            if notices := description.request.notices(request):
                yield notices
            decoder = description.new_decoder(response)
            async for batch in decode_body(answer.chunks(), response.new_framing(), decoder):
                yield batch

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        models = self._description.models
        return models.models(await self._json(models.template, outside(token))) if models else ()

    def _send(self, template: HttpTemplate, values: Values) -> AbstractAsyncContextManager[HttpAnswer]:
        request = template.fill(values)
        return self._http.request(request.method, request.url, headers=request.headers, json=request.body)

    async def _json(self, template: HttpTemplate, values: Values) -> Json:
        async with self._send(template, values) as answer:
            await self._check(answer)
            return await json_body(answer)

    async def _response(self, answer: HttpAnswer) -> Response:
        """The description to read `answer` by. Raises `UpstreamError` where it is a failure or a web page."""
        await self._check(answer)
        response = self._description.response
        if response.framing != "raw_text":
            start = await first_byte(answer)
        else:  # which may well begin with a tag
            start = (await answer.peek()).lstrip()
            if is_html("", start[:80].decode("utf-8", "replace")):
                raise html_page(answer.status, answer.headers, (await answer.read()).decode("utf-8", "replace"))
        return response.for_answer(start[:1], answer.headers.get("content-type", ""))

    async def _check(self, answer: HttpAnswer) -> None:
        """Raises the error that an answer is which is no success, by the description's own map first."""
        if not 200 <= answer.status < 300:
            rules = self._description.response.error_map
            raise from_answer(rules, answer.status, answer.headers, await answer.read())
