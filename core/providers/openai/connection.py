"""Where an upstream is, how its requests are addressed and signed, and what it was found to refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Final

from core.chat.errors import Retry, UpstreamError
from core.chat.options import Options
from core.chat.ports import Token
from core.chat.requests import Json
from core.dialects.answers import json_body
from core.dialects.failures import from_answer
from core.dialects.openai_concessions import refused_parameter
from core.wire.client import HttpAnswer, HttpClient
from core.wire.multipart import Form

_NOTHING_THERE: Final = frozenset({404, 405, 410})


class Connection:
    def __init__(self, options: Options, http: HttpClient) -> None:
        self.http = http
        self._base_url = (
            options.text("base_url", "https://api.openai.com/v1").rstrip("/").removesuffix("/chat/completions")
        )
        self._headers = options.texts("headers")
        self._refused: dict[tuple[str, str], frozenset[str]] = {}

    def url(self, path: str) -> str:
        return f"{self._base_url}{path}"

    def headers(self, token: Token) -> dict[str, str]:
        """The configured headers, and the token as OpenAI wants it."""
        headers = {name: token.reveal(value) for name, value in self._headers.items()}
        if token.secret:
            headers["Authorization"] = f"Bearer {token.secret}"
        return headers

    @asynccontextmanager
    async def asked(
        self, path: str, token: Token, body: Json | Form = None, *, absent: UpstreamError, once: bool = False
    ) -> AsyncIterator[HttpAnswer]:
        """The answer to a GET, or to a POST of `body`, not looked at yet.

        Raises `absent` where the upstream has nothing at `path`, which is not the same as lacking a model.
        What is sent `once` has a connection of its own, since on one kept from before it may be sent again.
        """
        headers, content = self.headers(token), None
        if once:
            headers["Connection"] = "close"
        if isinstance(body, Form):
            headers["Content-Type"], content, body = *body, None
        method = "GET" if body is None and content is None else "POST"
        async with self.http.request(method, self.url(path), headers=headers, json=body, content=content) as answer:
            if answer.status in _NOTHING_THERE:
                error = from_answer(answer.status, answer.headers, await answer.read())
                raise absent if error.code == "upstream_misconfigured" else error
            yield answer

    async def ask(
        self, path: str, token: Token, body: Json | Form = None, *, absent: UpstreamError, once: bool = False
    ) -> Json:
        """The same, for an answer that is JSON. Raises `UpstreamError` for every other one."""
        async with self.asked(path, token, body, absent=absent, once=once) as answer:
            return await json_body(answer)

    async def ask_leniently(
        self,
        path: str,
        token: Token,
        body: Mapping[str, Json],
        *,
        ours: Collection[str],
        others: Collection[str],
        absent: UpstreamError,
        once: bool = False,
    ) -> tuple[Json, list[str]]:
        """The same, and what was left out, for the upstream refused it now or before.

        That may be any of `ours`, which no caller asked for, or of `others`.
        """
        place = path, body["model"]
        while True:
            refused = self._refused.get(place, frozenset())
            accepted = {name: value for name, value in body.items() if name not in refused}
            try:
                answer = await self.ask(path, token, accepted, absent=absent, once=once)
                return answer, [name for name in body if name in refused]
            except UpstreamError as error:
                lesson = refused_parameter(error, accepted.keys() & ours, accepted.keys() & others)
                if lesson is None:
                    raise
                self._refused[place] = self._refused.get(place, frozenset()) | {lesson}


def offers_no(what: str) -> UpstreamError:
    """The error for an upstream that was never made for what it is asked."""
    return UpstreamError(
        f"The upstream of this model offers no {what}.",
        status=400,
        type="invalid_request_error",
        code="unsupported_model",
        param="model",
        retry=Retry.OTHER_ROUTE,
    )
