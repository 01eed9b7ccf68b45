"""`python -m tests.cockpit.screenshots [FOLDER]`: the cockpit at two widths and in both themes, as PNG files.

Without a folder only the terminal, for the documentation; with one, every panel.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from tests.cockpit.browser.actions import answered, say, unlock
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
PANELS = ("models", "providers", "connect", "faults", "activity")


def main(folder: Path, panels: Sequence[str]) -> None:
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
                _take(context.new_page(), url, panels, str(folder / f"%s-{size}-{theme}.png"))
                context.close()


def _take(page: Page, url: str, panels: Sequence[str], path: str) -> None:
    page.set_default_timeout(15_000)
    unlock(page, url, KEY)
    say(page, "What is an any2api?", "demo/reasoning")
    answered(page)
    say(page, "Tell me a story.", "demo/story")
    answered(page)
    page.screenshot(path=path % "cockpit")
    for panel in panels:
        page.goto(f"{url}/#{panel}")
        page.locator(f"cockpit-{panel} .card").first.wait_for()
        page.screenshot(path=path % f"cockpit-{panel}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), PANELS)
    else:
        main(FOLDER, ())
