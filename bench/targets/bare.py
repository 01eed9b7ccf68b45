"""A bare FastAPI + httpx pass-through, as one writes it in ten minutes: it checks nothing and converts nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse


def make_app() -> FastAPI:
    url = os.environ["UPSTREAM"] + "/v1/chat/completions"
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=256)  # the defaults would make streams wait
    client = httpx.AsyncClient(timeout=300, limits=limits)
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        headers = {
            "content-type": "application/json",
            "authorization": request.headers.get("authorization", ""),
        }
        upstream_request = client.build_request("POST", url, content=await request.body(), headers=headers)
        answer = await client.send(upstream_request, stream=True)
        media_type = answer.headers.get("content-type", "")
        if media_type.startswith("text/event-stream"):
            return StreamingResponse(pass_on(answer), answer.status_code, media_type=media_type)
        body = await answer.aread()
        await answer.aclose()
        return Response(body, answer.status_code, media_type=media_type)

    return app


async def pass_on(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
