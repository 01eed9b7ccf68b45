"""A gateway in front of an upstream that makes vectors, pictures, sounds, transcripts and films."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.conformance.gateways import Connected, connected
from tests.support.openai_media import OpenAIMedia, openai_media


@contextmanager
def studio() -> Iterator[tuple[Connected, OpenAIMedia]]:
    """The gateway, and the upstream that it asks as `up`. It may fetch pictures from where that lies."""
    with openai_media() as media, connected(media, "private_addresses = true") as gateway:
        yield gateway, media
