"""`python -m tests.cockpit.screenshots [FOLDER]`: the cockpit at two widths and in both themes, as PNG files."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.cockpit.actions import answered, say, unlock
from tests.cockpit.browser import chromium
from tests.support.gateway import KEY, running

FOLDER = Path(__file__).parent.parent.parent / "docs" / "images"
SETTINGS = """
[providers.demo]
kind = "demo"
pace = 0.05
"""
SIZES = {"wide": (1280, 800), "phone": (390, 844)}
THEMES = ("light", "dark")
PANELS = ("models", "providers", "connect", "faults", "activity")


def main(folder: Path) -> None:
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
                _take(context.new_page(), url, folder, f"{size}-{theme}")
                context.close()


def _take(page: Page, url: str, folder: Path, name: str) -> None:
    page.set_default_timeout(15_000)
    page.goto(url)
    page.screenshot(path=folder / f"lock-{name}.png")
    unlock(page, url, KEY)
    say(page, "What is an any2api?", "demo/reasoning")
    answered(page)
    say(page, "Tell me a story.", "demo/story")
    answered(page)
    page.screenshot(path=folder / f"terminal-{name}.png")
    for panel in PANELS:
        page.goto(f"{url}/#{panel}")
        page.locator(f"cockpit-{panel} .card").first.wait_for()
        page.screenshot(path=folder / f"{panel}-{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
