"""The other panels, and the page as a whole: languages, themes, widths, names for screen readers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cockpit.browser.actions import answered, say, unlock
from tests.support.gateway import KEY, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[2] / "node" / "node_modules" / "axe-core" / "axe.min.js"
PANELS = ["terminal", "models", "providers", "connect", "faults", "activity"]
DEMO = """
[providers.demo]
kind = "demo"
pace = 0.001
[providers.spent]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
tokens = "secret://NOT_SET"
models = ["never"]
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with running(DEMO) as url:
        yield url


@pytest.fixture
def cockpit(demo: str, page: Page) -> Page:
    unlock(page, demo, KEY)
    return page


def go(page: Page, panel: str) -> None:
    page.locator(f"nav a[href='#{panel}']").click()
    page.locator(f"cockpit-{panel}:not([hidden]) :is(.card, .composer)").first.wait_for()


def test_models_are_found_tried_and_copied(cockpit: Page) -> None:
    cockpit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(cockpit, "models")
    cockpit.get_by_label("Search").fill("short STORY")
    card = cockpit.locator(".models .card")
    cockpit.get_by_text("1 of ").wait_for()
    assert card.count() == 1
    card.get_by_role("button", name="Copy").click()
    card.get_by_role("button", name="Copied").wait_for()
    assert cockpit.evaluate("() => navigator.clipboard.readText()") == "demo/story"
    card.get_by_role("button", name="Try").click()
    cockpit.locator("cockpit-terminal:not([hidden])").wait_for()
    assert cockpit.locator("cockpit-terminal select[name=model]").input_value() == "demo/story"


def test_providers_tell_what_is_wrong_with_them(cockpit: Page) -> None:
    go(cockpit, "providers")
    assert "not usable" in cockpit.locator("cockpit-providers .card", has_text="NOT_SET").inner_text()
    assert "anonymous" in cockpit.locator("cockpit-providers .card").first.inner_text()


def test_connect_copies_the_key_that_it_hides(cockpit: Page, demo: str) -> None:
    cockpit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(cockpit, "connect")
    panel = cockpit.locator("cockpit-connect")
    client = panel.locator(".card", has_text="Open WebUI")
    client.wait_for()
    assert KEY not in panel.inner_text()
    assert f"{demo}/v1" in client.inner_text()
    client.get_by_role("button", name="Copy").last.click()
    client.get_by_role("button", name="Copied").wait_for()
    assert cockpit.evaluate("() => navigator.clipboard.readText()") == KEY
    cockpit.get_by_label("Show the key").check()
    assert KEY in client.inner_text()
    client.get_by_role("button", name="Test as this client").click()
    client.get_by_text("Works,").wait_for()


def test_a_fault_shows_what_a_client_sees(cockpit: Page) -> None:
    go(cockpit, "faults")
    fault = cockpit.locator(".faults .card", has=cockpit.get_by_text("demo/fault-http-404-model", exact=True))
    fault.get_by_role("button", name="Break it").click()
    fault.get_by_text("HTTP 404").wait_for()
    assert "model_not_found" in fault.locator(".seen").inner_text()


def test_activity_shows_the_request_that_was_just_made(cockpit: Page) -> None:
    say(cockpit, "hello", "demo/echo")
    answered(cockpit)
    go(cockpit, "activity")
    row = cockpit.locator("tbody tr").first
    assert "demo/echo" in row.inner_text()
    assert "200 stop" in row.inner_text()
    assert cockpit.locator("svg.chart rect").count() >= 2


def test_chinese_by_the_browser_and_english_by_a_click(browser: Browser, demo: str) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(demo)
    page.get_by_role("heading", name="解锁控制台").wait_for()
    assert page.locator("html").get_attribute("lang") == "zh"
    page.get_by_role("button", name="English").click()
    unlock(page, demo, KEY)
    assert page.get_by_role("link", name="Break it").is_visible()
    page.get_by_role("button", name="中文").click()
    page.get_by_role("link", name="故障").wait_for()
    context.close()


def test_every_word_has_both_languages(page: Page, demo: str) -> None:
    page.goto(demo)
    words = page.evaluate("() => import(document.querySelector('[href$=\"words.js\"]').href).then((m) => m.WORDS)")
    assert len(words) > 100
    for key, (english, chinese) in words.items():
        assert english, key
        assert chinese, key


def test_the_theme_is_the_systems_or_the_chosen_one(browser: Browser, demo: str) -> None:
    context = browser.new_context(color_scheme="dark", locale="en")
    page = context.new_page()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    page.goto(demo)
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Auto").click()
    page.get_by_role("button", name="Light").wait_for()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    page.get_by_role("button", name="Light").wait_for()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Light").click()
    page.get_by_role("button", name="Dark").wait_for()
    assert page.evaluate(ground) == dark
    context.close()


@pytest.mark.parametrize("width", [360, 390, 768, 1920])
def test_no_panel_is_wider_than_the_screen(cockpit: Page, width: int) -> None:
    cockpit.set_viewport_size({"width": width, "height": 740})
    for panel in PANELS:
        go(cockpit, panel)
        for element in ("document.documentElement", "document.querySelector('main')"):
            wide = cockpit.evaluate(f"() => {element}.scrollWidth - {element}.clientWidth")
            assert wide <= 0, (panel, element)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_screen_readers_find_nothing_serious(cockpit: Page, scheme: Any, width: int) -> None:
    if not AXE.exists():
        assert not os.environ.get("CI"), "CI has npm: run `npm ci` in tests/node"
        pytest.skip("axe-core is missing")
    cockpit.set_viewport_size({"width": width, "height": 740})
    cockpit.emulate_media(color_scheme=scheme)
    cockpit.evaluate(AXE.read_text("utf-8"))
    say(cockpit, "hello", "demo/reasoning")
    answered(cockpit)
    cockpit.locator(".parameters summary").click()
    found = {panel: violations(cockpit, panel) for panel in PANELS}
    cockpit.get_by_role("button", name="Lock").click()
    cockpit.locator("cockpit-lock form").wait_for()
    found["lock"] = serious(cockpit)
    assert found == {name: [] for name in [*PANELS, "lock"]}


def violations(page: Page, panel: str) -> list[str]:
    go(page, panel)
    return serious(page)


def serious(page: Page) -> list[str]:
    results = page.evaluate("() => axe.run()")
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in results["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
