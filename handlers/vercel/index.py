"""The gateway as a Vercel function: Vercel's runtime serves `app` with uvicorn, so there is nothing in between."""

from __future__ import annotations

from handlers.public import PublicApp

TIME_LIMIT = 300.0
"""Seconds, as in vercel.json."""

app = PublicApp(TIME_LIMIT)
