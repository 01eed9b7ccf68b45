"""What a user does on the page."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TABS = ["Image", "Speech", "Transcription", "Video", "Embedding"]
"""Those of the terminal besides the chat's."""


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
        page.locator(".conversation select[name=model]").select_option(model)
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def answered(page: Page) -> None:
    """Returns when the last answer has come to its end."""
    page.locator("article.assistant").last.locator(".figures").wait_for()


def tab(page: Page, name: str) -> Locator:
    """Open a tab of the terminal; its panel."""
    page.get_by_role("tab", name=name, exact=True).click()
    panel = page.get_by_role("tabpanel", name=name, exact=True)
    panel.locator("select[name=model] option").first.wait_for(state="attached")
    return panel


def order(panel: Locator, what: str | Path, model: str = "") -> Locator:
    """Ask for something to be made of a text or a file; what comes of it, as yet unfinished."""
    if model:
        panel.locator("select[name=model]").select_option(model)
    if isinstance(what, Path):
        panel.locator("input[type=file]").set_input_files(what)
    else:
        panel.locator("textarea").first.fill(what)
    panel.get_by_role("button", name="Run").click()
    return panel.locator("article").first


def made(panel: Locator, what: str | Path, model: str = "") -> Locator:
    """The same, once it is finished."""
    result = order(panel, what, model)
    result.locator(".figures").wait_for()
    return result


def recording(folder: Path, seconds: int = 2) -> Path:
    """A WAV file of silence."""
    path = folder / "speech.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000 * seconds))
    return path
