"""Debian's Chromium, driven by Playwright, with a fresh profile and no wish to call home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 15_000
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield browser
        browser.close()


def unlock(page: Page, url: str, key: str) -> None:
    """Open the cockpit with this key; returns when it is ready."""
    page.goto(url)
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Unlock").click()
    page.locator("cockpit-light[data-state=ready]").wait_for()
    page.locator("cockpit-terminal option").first.wait_for(state="attached")


def say(page: Page, text: str, model: str = "") -> None:
    """Send a message in the terminal."""
    if model:
        page.locator("cockpit-terminal select[name=model]").select_option(model)
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def answered(page: Page) -> None:
    """Returns when the last answer has come to its end."""
    page.locator("article.assistant").last.locator(".figures").wait_for()
