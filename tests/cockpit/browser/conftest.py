"""A browser for all tests of the page, and a gateway with upstreams of every temper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cockpit.browser.upstreams import MODELS, Media
from tests.conformance.gateways import Connected, connected
from tests.support.openai_upstream import OpenAIUpstream, openai_upstream

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

try:
    from tests.cockpit.browser.chromium import CHROMIUM, chromium
except ImportError:
    CHROMIUM = Path()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        assert not os.environ.get("CI"), "CI has the dependency group `browser`, and Debian's chromium"
        pytest.skip("chromium, or playwright to drive it, is missing")
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def fake_upstream() -> Iterator[OpenAIUpstream]:
    with openai_upstream(MODELS, Media()) as running:
        yield running


@pytest.fixture
def upstream(fake_upstream: OpenAIUpstream) -> OpenAIUpstream:
    fake_upstream.reset()
    return fake_upstream


@pytest.fixture(scope="package")
def gateway(fake_upstream: OpenAIUpstream) -> Iterator[Connected]:
    with connected(fake_upstream) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a profile of its own. Whatever happens on it, no script of ours may fail."""
    context = browser.new_context(locale="en", viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    failures: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: failures.append(str(error)))
    yield opened
    context.close()
    assert failures == []
