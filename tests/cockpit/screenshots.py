"""`python -m tests.cockpit.screenshots [FOLDER]`: the cockpit at two widths and in both themes, as PNG files.

Without a folder only what is for the documentation: the chat and a picture; with one, every tab and panel.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir

from playwright.sync_api import Page

from tests.cockpit.browser.actions import TABS, answered, made, recording, say, tab, unlock
from tests.cockpit.browser.chromium import chromium
from tests.support.gateway import KEY, running

FOLDER = Path(__file__).parent.parent.parent / "docs" / "images"
SETTINGS = """
[providers.demo]
kind = "demo"
pace = 0.05
"""
SIZES = {"wide": (1280, 800), "phone": (390, 844)}
THEMES = ("light", "dark")
WORDS = "A lighthouse in a storm, painted on glass"
PANELS = ("models", "providers", "connect", "faults", "activity")


def main(folder: Path, tabs: Sequence[str], panels: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running(SETTINGS) as url, chromium() as browser:
        for size, (width, height) in SIZES.items():
            for theme in THEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    locale="en",
                    reduced_motion="reduce",
                )
                _take(context.new_page(), url, tabs, panels, str(folder / f"%s-{size}-{theme}.png"))
                context.close()


def _take(page: Page, url: str, tabs: Sequence[str], panels: Sequence[str], path: str) -> None:
    page.set_default_timeout(15_000)
    unlock(page, url, KEY)
    say(page, "What is an any2api?", "demo/reasoning")
    answered(page)
    say(page, "Tell me a story.", "demo/story")
    answered(page)
    page.screenshot(path=path % "cockpit")
    for name in tabs:
        panel = tab(page, name)
        if name == "Image":
            panel.get_by_label("n", exact=True).fill("3")
        made(panel, recording(Path(gettempdir())) if name == "Transcription" else WORDS)
        page.screenshot(path=path % f"cockpit-{name.lower()}")
    for panel in panels:
        page.goto(f"{url}/#{panel}")
        page.locator(f"cockpit-{panel} .card").first.wait_for()
        page.screenshot(path=path % f"cockpit-{panel}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), TABS, PANELS)
    else:
        main(FOLDER, TABS[:1], ())
