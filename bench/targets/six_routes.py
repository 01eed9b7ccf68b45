"""An app of six routes on FastAPI, with httpx at hand: what a cold start costs before anything is done.

It declares no models of requests and answers, and makes no client: each would cost it another tenth.
"""

from __future__ import annotations

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response


def make_app() -> FastAPI:
    app = FastAPI()
    app.state.http = httpx  # only imported

    @app.get("/")
    async def greeting() -> Response:
        return JSONResponse({})

    @app.get("/health")
    async def health() -> Response:
        return JSONResponse({})

    @app.get("/v1/models")
    async def models() -> Response:
        return JSONResponse({"data": []})

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        return JSONResponse(await request.json())

    @app.post("/v1/completions")
    async def completions(request: Request) -> Response:
        return JSONResponse(await request.json())

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        return JSONResponse(await request.json())

    return app
