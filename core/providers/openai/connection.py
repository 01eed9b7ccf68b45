"""Where an upstream is, and how its requests are addressed and signed."""

from __future__ import annotations

from collections.abc import Mapping

from core.chat.options import Options
from core.chat.ports import Token
from core.wire.client import HttpClient


class Connection:
    def __init__(self, options: Options, http: HttpClient) -> None:
        self.http = http
        self._base_url = (
            options.text("base_url", "https://api.openai.com/v1").rstrip("/").removesuffix("/chat/completions")
        )
        self._headers = options.texts("headers")

    def url(self, path: str) -> str:
        return f"{self._base_url}{path}"

    def headers(self, token: Token) -> Mapping[str, str]:
        """The configured headers, and the token as OpenAI wants it."""
        headers = {name: token.reveal(value) for name, value in self._headers.items()}
        if token.secret:
            headers["Authorization"] = f"Bearer {token.secret}"
        return headers
