"""The gateway as a Google Cloud Function (2nd gen), target `openai_api`, on functions-framework's asynchronous side.

The framework wants a function that takes a request and returns a response. The response that ours returns hands the
whole conversation over to the gateway, so that answers are streamed and a caller's hang-up is heard.
"""

from __future__ import annotations

import sys
from pathlib import Path

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the framework knows this file's own folder only

from handlers.public import PublicApp  # it can be found from here on

TIME_LIMIT = 300.0
"""Seconds, as in infra/terraform/modules/gcp_function."""

SIZE_LIMIT = 9_500_000
"""Bytes of a streamed answer: Google cuts it off at 10 MB, and counts what surrounds each chunk as well."""

_APP = PublicApp(TIME_LIMIT, SIZE_LIMIT)


class Conversation(Response):
    """Whatever the framework sends in answer, the gateway sends itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _APP(scope, receive, send)


@functions_framework.aio.http
async def openai_api(request: Request) -> Response:  # noqa: ARG001  # the conversation brings it along
    return Conversation()
