"""Before a key, with a wrong one, with one that stops working, and what becomes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.conformance.gateways import Connected
from tests.support.gateway import KEY

if TYPE_CHECKING:
    from playwright.sync_api import Page

WRONG = "This key does not open it."


def give(page: Page, key: str) -> None:
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Unlock").click()


def stored(page: Page) -> str:
    found: str = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    return found


def test_the_right_key_opens_it(gateway: Connected, page: Page) -> None:
    page.goto(gateway.url)
    assert page.get_by_role("navigation").is_hidden()
    give(page, KEY)
    page.get_by_role("status").filter(has_text="Ready").wait_for()
    assert page.get_by_role("link", name="Terminal").get_attribute("aria-current") == "page"
    assert KEY not in page.url
    assert KEY not in page.content()
    assert KEY not in stored(page)


def test_a_wrong_key_does_not(gateway: Connected, page: Page) -> None:
    page.goto(gateway.url)
    give(page, "wrong")
    page.get_by_role("alert").filter(has_text=WRONG).wait_for()
    assert page.locator("cockpit-light").get_attribute("data-state") == "error"
    give(page, KEY)
    page.locator("cockpit-terminal").wait_for()


def test_it_is_forgotten_with_the_page_unless_asked_to_be_kept(gateway: Connected, page: Page) -> None:
    page.goto(gateway.url)
    give(page, KEY)
    page.locator("cockpit-terminal").wait_for()
    page.reload()
    page.locator("cockpit-lock").wait_for()
    page.get_by_label("Keep it").check()
    give(page, KEY)
    page.locator("cockpit-terminal").wait_for()
    page.reload()
    page.locator("cockpit-terminal").wait_for()
    assert json.loads(stored(page))[1] == {"any2api.key": KEY}


def test_locking_forgets_it_everywhere(gateway: Connected, page: Page) -> None:
    page.goto(gateway.url)
    page.get_by_label("Keep it").check()
    give(page, KEY)
    page.get_by_role("button", name="Lock").click()
    page.locator("cockpit-lock").wait_for()
    assert KEY not in stored(page)
    page.reload()
    page.locator("cockpit-lock").wait_for()


def test_a_key_that_is_refused_in_the_middle_locks_the_page(gateway: Connected, page: Page) -> None:
    page.goto(gateway.url)
    give(page, KEY)
    page.locator("cockpit-terminal").wait_for()
    refusal = json.dumps({"error": {"message": "Incorrect", "type": "x", "param": None, "code": "invalid_api_key"}})
    page.route("**/api/activity", lambda route: route.fulfill(status=401, body=refusal))
    page.get_by_role("link", name="Activity").click()
    page.get_by_role("alert").filter(has_text="not accepted any more").wait_for()
    assert page.get_by_role("navigation").is_hidden()


def test_an_endpoint_that_is_gone(gateway: Connected, page: Page) -> None:
    page.goto(gateway.url)
    page.route("**/api/**", lambda route: route.abort())
    give(page, KEY)
    page.get_by_role("alert").filter(has_text="unreachable").wait_for()
