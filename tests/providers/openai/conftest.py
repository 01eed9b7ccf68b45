"""A provider of the kind `openai` in front of an upstream that makes everything but conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.chat.options import Options
from core.providers.openai import Provider
from core.wire.client import HttpClient
from tests.support.openai_media import OpenAIMedia
from tests.support.upstream import upstream


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient(private_addresses=True)
    yield client
    await client.aclose()


@pytest.fixture
async def media() -> AsyncIterator[OpenAIMedia]:
    media = OpenAIMedia()
    async with upstream(media) as service:
        media.url = f"{service.url}/v1"
        yield media


@pytest.fixture
def provider(media: OpenAIMedia, http: HttpClient) -> Provider:
    return Provider(Options("providers.o", {"base_url": media.url, "headers": {"x-org": "secret://ORG"}}), http)
