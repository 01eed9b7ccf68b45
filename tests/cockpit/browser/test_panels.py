"""The other panels, and the page as a whole: languages, themes, widths, names for screen readers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cockpit.browser.actions import TABS, answered, made, recording, say, tab, unlock
from tests.support.gateway import KEY, running
from tests.support.loops import LoopThread
from tests.support.upstream import Seen, Wire, upstream

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
    page.locator(f"cockpit-{panel}:not([hidden]) :is(.card, .composer):visible").first.wait_for()


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


def test_models_stand_by_what_they_make(cockpit: Page) -> None:
    go(cockpit, "models")
    kinds = cockpit.locator("cockpit-models h3")
    assert [text.split()[0] for text in kinds.all_inner_texts()] == ["Chat", *TABS]
    chat, picture = (cockpit.locator(".models .card", has_text=name) for name in ("demo/echo", "demo/picture"))
    assert chat.locator(".chip").all_inner_texts() == ["tools", "vision"]
    assert picture.locator(".chip").count() == 0
    cockpit.get_by_role("button", name="Video 1").click()
    assert cockpit.locator(".models .name").all_inner_texts() == ["demo/film"]
    assert cockpit.get_by_role("button", name="Video 1").get_attribute("aria-pressed") == "true"
    cockpit.get_by_role("button", name="All").click()
    cockpit.get_by_label("Search").fill("transcription")
    assert cockpit.locator(".models .name").all_inner_texts() == ["demo/scribe"]


@pytest.mark.parametrize(
    ("model", "name"),
    [*zip(["demo/picture", "demo/voice", "demo/scribe", "demo/film", "demo/embedding"], TABS, strict=True)],
)
def test_a_model_is_tried_where_its_kind_is_made(cockpit: Page, model: str, name: str) -> None:
    go(cockpit, "models")
    cockpit.locator(".models .card", has_text=model).get_by_role("button", name="Try").click()
    panel = cockpit.get_by_role("tabpanel", name=name)
    panel.locator(":is(textarea, input):focus").wait_for()
    assert panel.locator("select[name=model]").input_value() == model
    assert cockpit.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"


def test_what_is_left_on_each_account(page: Page) -> None:
    async def puter(seen: Seen, wire: Wire) -> None:
        if seen.headers["authorization"] == "Bearer second":
            await wire.reply(401, '{"code": "token_auth_failed", "message": "no"}')
        else:
            allowance = {"remaining": 12_500_000, "monthUsageAllowance": 50_000_000}
            await wire.reply(200, json.dumps({"allowanceInfo": allowance}))

    with LoopThread() as thread:
        url = thread.enter(upstream(puter)).url
        settings = f'[providers.puter]\nkind = "puter"\nbase_url = "{url}"\ntokens = "secret://PUTER"\nmodels = ["x"]'
        with running(settings, {"PUTER": "first,second"}) as gateway:
            unlock(page, gateway, KEY)
            go(page, "providers")
            first, second = page.locator(".tokens > li").all()
            first.get_by_text("$0.125 of $0.50 left").wait_for()
            assert float(first.get_by_role("meter", name="Credit").get_attribute("value") or 0) == 0.25
            second.get_by_text("credit unknown").wait_for()
            assert "upstream_credentials_unavailable" in second.inner_text()


def test_credit_that_cannot_be_had_hides_nothing_else(cockpit: Page) -> None:
    cockpit.route("**/api/credit", lambda route: route.fulfill(status=500, body="no"))
    with cockpit.expect_response("**/api/credit"):
        go(cockpit, "providers")
    assert "anonymous" in cockpit.locator("cockpit-providers .card").first.inner_text()


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


def test_connect_gives_the_configured_address(page: Page) -> None:
    settings = '[gateway]\npublic_url = "https://ai.example.com/x"\n[providers.demo]\nkind = "demo"\npace = 0.001\n'
    with running(settings) as url:
        unlock(page, url, KEY)
        go(page, "connect")
        panel = page.locator("cockpit-connect")
        panel.locator(".card", has_text="Open WebUI").wait_for()
        assert "https://ai.example.com/x/v1" in panel.inner_text()
        assert url not in panel.inner_text()
        panel.get_by_role("button", name="Test as this client").first.click()
        panel.get_by_text("Works,").wait_for()


def test_every_client_can_be_tested(cockpit: Page) -> None:
    go(cockpit, "connect")
    tests = cockpit.get_by_role("button", name="Test as this client")
    tests.first.wait_for()
    for test in tests.all():
        test.click()
    works = cockpit.locator("cockpit-connect [role=status]", has_text="Works,")
    works.nth(tests.count() - 1).wait_for()
    assert all(": ping" in text for text in works.all_inner_texts())


@pytest.mark.parametrize("path", ["v1/chat/completions", "v1/responses", "v1/messages"])
def test_a_client_is_tested_by_the_api_that_it_calls(cockpit: Page, path: str) -> None:
    clients = json.dumps([{"name": "Some client", "fields": [["Model", "{model}"]], "path": path}])
    cockpit.route("**/clients.json", lambda route: route.fulfill(body=clients))
    go(cockpit, "connect")
    with cockpit.expect_request(f"**/{path}"):
        cockpit.get_by_role("button", name="Test as this client").click()
    cockpit.get_by_text(": ping").wait_for()


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
def test_no_panel_is_wider_than_the_screen(cockpit: Page, width: int, tmp_path: Path) -> None:
    cockpit.set_viewport_size({"width": width, "height": 740})
    for name in TABS:
        made(tab(cockpit, name), recording(tmp_path) if name == "Transcription" else "word " * 50)
        cockpit.get_by_role("tabpanel", name=name).get_by_text("Request, bytes, and code").click()
        assert overflow(cockpit, ".panel:not([hidden]) .bench") == 0, name
        assert overflow(cockpit, "main") == 0, name
    for panel in PANELS:
        go(cockpit, panel)
        assert (overflow(cockpit, "html"), overflow(cockpit, "main")) == (0, 0), panel


def overflow(page: Page, selector: str) -> int:
    """How many pixels are outside at the right."""
    width: int = page.locator(selector).evaluate("(element) => element.scrollWidth - element.clientWidth")
    return width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_screen_readers_find_nothing_serious(cockpit: Page, scheme: Any, width: int, tmp_path: Path) -> None:
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
    cockpit.locator("nav a[href='#terminal']").click()
    for name in TABS:
        result = made(tab(cockpit, name), recording(tmp_path) if name == "Transcription" else "some words")
        result.get_by_text("Request, bytes, and code").click()
        found[name] = serious(cockpit)
    cockpit.get_by_role("button", name="Lock").click()
    cockpit.locator("cockpit-lock form").wait_for()
    found["lock"] = serious(cockpit)
    assert found == {name: [] for name in [*PANELS, *TABS, "lock"]}


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
