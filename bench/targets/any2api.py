"""The gateway: it checks the key, converts between dialects, counts tokens, and logs a line for each request."""

from __future__ import annotations

import os

from starlette.types import ASGIApp

from core.app import create_app, set_up_logging
from core.chat.settings import read_settings


def make_app() -> ASGIApp:
    upstream = os.environ["UPSTREAM"]
    set_up_logging()
    return create_app(
        read_settings(
            {
                "providers": {
                    "token": {"kind": "gptanon", "base_url": upstream, "models": ["bench-token-*"]},
                    "openai": {"kind": "openai", "base_url": f"{upstream}/v1", "models": ["bench-openai-*"]},
                }
            }
        )
    )
