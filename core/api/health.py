"""`GET /healthz`: the process answers. It needs no key, asks no upstream and tells nothing about either."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

router = APIRouter()


@router.api_route("/healthz", methods=["GET", "HEAD"])
@router.api_route("/api/hello", methods=["GET", "HEAD"])  # where Claude Code knocks
async def health() -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")
