"""`GET /`: the cockpit for browsers, a greeting in JSON for everyone else; and the cockpit's files.

None of it needs a key, and none of it tells anything: the page learns what it shows from `/api` with the key that its
user gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from core.cockpit.files import File, edition, file, page

GREETING: Final = b'{"name":"any2api","api":"/v1"}'
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src blob:; "
    "connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_GUARDED: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"])
async def front_page(request: Request) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return Response(GREETING, media_type="application/json", headers={"Vary": "Accept"})
    return _sent(page(), request, "no-cache", "Accept, Accept-Encoding")


@router.api_route("/cockpit/{edition}/{file}", methods=["GET", "HEAD"])
async def part(request: Request) -> Response:
    wanted = file(request.path_params["file"])
    if wanted is None:
        raise HTTPException(404)
    lasting = request.path_params["edition"] == edition()
    return _sent(wanted, request, "public, max-age=31536000, immutable" if lasting else "no-cache", "Accept-Encoding")


def _sent(sent: File, request: Request, caching: str, varies: str) -> Response:
    headers = {**_GUARDED, "Cache-Control": caching, "Vary": varies}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(sent.content, media_type=sent.media_type, headers=headers)
    return Response(sent.compressed(), media_type=sent.media_type, headers={**headers, "Content-Encoding": "gzip"})
