"""An app of six routes on FastAPI, with httpx at hand: what a cold start costs before anything is done."""

from __future__ import annotations

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


def make_app() -> FastAPI:
    app = FastAPI()
    app.state.http = httpx  # only imported: making a client would read the certificates of all authorities

    @app.get("/")
    async def greeting() -> dict[str, str]:
        return {}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {}

    @app.get("/v1/models")
    async def models() -> dict[str, list[str]]:
        return {"data": []}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> JSONResponse:
        return JSONResponse(await request.json())

    @app.post("/v1/completions")
    async def completions(request: Request) -> JSONResponse:
        return JSONResponse(await request.json())

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> JSONResponse:
        return JSONResponse(await request.json())

    return app
