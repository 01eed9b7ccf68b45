"""A gateway in front of the fake upstream, and how tests call it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from openai import OpenAI

from tests.conformance.kinds import block_of
from tests.support.chat_upstream import ChatUpstream
from tests.support.gateway import KEY, Served, gateway, serving
from tests.support.loops import PATIENCE
from tests.support.openai_media import OpenAIMedia

UPSTREAM_KEY = "sk-upstream-credential-0123456789abcdef"
AUTHORIZED: Mapping[str, str] = {"Authorization": f"Bearer {KEY}"}


@dataclass(frozen=True)
class Connected:
    """A gateway under test: its address, what it runs in, and a client that has its key."""

    served: Served
    http: httpx.Client

    @property
    def url(self) -> str:
        return self.served.url

    def chat(self, model: str, prompt: str = "hello", **body: Any) -> httpx.Response:
        """A chat completion, read to its end."""
        return self.http.post("/v1/chat/completions", json=question(model, prompt, **body))

    def openai(self, **options: Any) -> OpenAI:
        """The official client; it does not retry unless `options` say so."""
        return OpenAI(base_url=f"{self.url}/v1", api_key=KEY, **{"max_retries": 0, "timeout": PATIENCE, **options})


@contextmanager
def connected(
    upstream: ChatUpstream | OpenAIMedia, settings: str = "", provider: str = "", **secrets: str
) -> Iterator[Connected]:
    """A new gateway whose only provider is `upstream`; `settings` go under [gateway], `provider` under its block."""
    toml = f"""
        [gateway]
        {settings}
        [providers.up]
        {block_of(upstream)}
        tokens = "secret://UPSTREAM_KEYS"
        {provider}
    """
    with (
        serving(gateway(toml, {"UPSTREAM_KEYS": UPSTREAM_KEY, **secrets})) as served,
        httpx.Client(base_url=served.url, headers=AUTHORIZED, timeout=PATIENCE, trust_env=False) as http,
    ):
        yield Connected(served, http)


def question(model: str, prompt: str = "hello", **body: Any) -> dict[str, Any]:
    """A chat request of one message, unless `body` brings its own."""
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **body}
