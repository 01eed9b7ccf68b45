"""Conversations. Unknown parameters pass through; where a service refuses one, the lesson is learned for each model.

From then on the parameter is left out, or said another way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from core.chat.errors import UpstreamError
from core.chat.events import Batch, Notice
from core.chat.ports import Token
from core.chat.requests import ChatRequest
from core.dialects.openai import encode
from core.dialects.openai_concessions import Concession, lesson_of
from core.dialects.openai_exchange import exchange
from core.providers.openai.connection import Connection


class Chat:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lessons: dict[str, dict[str, Concession]] = {}

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        lessons = self._lessons.setdefault(request.model, {})
        url, headers = self._connection.url("/chat/completions"), self._connection.headers(token)
        told: set[str] = set()
        while True:
            body = encode(request)
            left_out = [name for name, concede in lessons.items() if concede(body) and name not in told]
            if left_out:
                told.update(left_out)
                yield [Notice(name) for name in left_out]
            began = False
            try:
                async with aclosing(exchange(self._connection.http, url, headers, body)) as batches:
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
