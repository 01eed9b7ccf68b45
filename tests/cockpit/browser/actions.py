"""What a user does on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


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
