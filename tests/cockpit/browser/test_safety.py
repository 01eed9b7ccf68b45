"""What the page must never do, whatever models, upstreams and their names are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from starlette.types import Receive, Scope, Send

from tests.cockpit.browser.actions import answered, say, unlock
from tests.cockpit.browser.upstreams import FAR_PICTURE, HOSTILE, HOSTILE_NAME, NEAR_PICTURE, SCRIPT
from tests.conformance.gateways import Connected
from tests.support.gateway import KEY, gateway, serving
from tests.support.openai_upstream import OpenAIUpstream

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Route

LARGEST_LOAD = 60_000
PANELS = ["models", "providers", "connect", "faults", "activity"]


@pytest.fixture
def requests(page: Page) -> list[Request]:
    """Everything that the page asks for."""
    made: list[Request] = []

    def note(request: Request) -> None:
        made.append(request)

    page.on("request", note)
    return made


def visit_all(page: Page, url: str) -> None:
    unlock(page, url, KEY)
    for model in ("hostile", "failing", HOSTILE_NAME):
        say(page, HOSTILE, model)
        page.locator("article.assistant").last.locator(".figures").wait_for()
        answered(page)
    page.locator(".reasoning:not([hidden]) summary").first.click()
    for panel in PANELS:
        page.locator(f"nav a[href='#{panel}']").click()
        page.locator(f"cockpit-{panel}:not([hidden]) .card").first.wait_for()


def test_nothing_hostile_is_executed_or_becomes_an_element(
    gateway: Connected, upstream: OpenAIUpstream, page: Page
) -> None:
    visit_all(page, gateway.url)
    assert page.evaluate("() => document.body.dataset.hacked") is None
    assert page.locator("cockpit-app iframe, cockpit-app script, cockpit-app style, cockpit-app [onerror]").count() == 0
    assert page.locator("cockpit-app a:not([href^='#'])").count() == 0
    assert page.locator("cockpit-app img").evaluate_all("(all) => all.map((image) => image.src)") == [NEAR_PICTURE]
    page.locator("nav a[href='#terminal']").click()
    assert page.get_by_text(HOSTILE, exact=True).count() == 6, "asked, answered and thought, always as text"
    page.locator("nav a[href='#models']").click()
    assert page.locator(".models .name", has_text=HOSTILE_NAME).inner_text() == HOSTILE_NAME


def test_no_request_leaves_the_origin(
    gateway: Connected, upstream: OpenAIUpstream, page: Page, requests: list[Request]
) -> None:
    visit_all(page, gateway.url)
    urls = [request.url for request in requests if not request.url.startswith("data:")]
    assert len(urls) > 20
    assert [url for url in urls if not url.startswith(f"{gateway.url}/")] == []
    assert all(KEY not in url for url in urls)
    assert FAR_PICTURE in page.locator("cockpit-terminal").text_content()  # type: ignore[operator]  # there is text


def test_the_policy_stops_inline_scripts_and_html(gateway: Connected, page: Page) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))

    def plant(route: Route) -> None:
        answer = route.fetch()
        planted = f'<script>{SCRIPT}</script><img src="data:image/png,x" onerror="{SCRIPT}"></body>'
        route.fulfill(response=answer, body=answer.text().replace("</body>", planted))

    page.route(f"{gateway.url}/", plant)
    page.goto(gateway.url)
    page.locator("cockpit-lock form").wait_for()
    assert page.locator("body > img").count() == 1
    assert page.evaluate("() => document.body.dataset.hacked") is None
    assert sum("inline" in text for text in refused) == 2
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate("() => { document.body.innerHTML = '<p>x</p>' }")


def test_the_first_load_is_light(gateway: Connected, page: Page) -> None:
    page.goto(gateway.url)
    page.locator("cockpit-lock form").wait_for()
    sizes = page.evaluate(
        "() => ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))"
        ".map((entry) => entry.transferSize)"
    )
    assert len(sizes) > 20
    assert 10_000 < sum(sizes) <= LARGEST_LOAD


class Prefixed:
    """A proxy's work: takes a prefix off the path."""

    def __init__(self, front: Any, prefix: str) -> None:
        self._front = front
        self._app = front._app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        inner = path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else "/outside"
        await self._front({**scope, "path": inner}, receive, send)


@pytest.fixture
def prefixed() -> Iterator[str]:
    app = Prefixed(gateway('[providers.demo]\nkind = "demo"\npace = 0.001\n'), "/some/where")
    with serving(app) as served:
        yield f"{served.url}/some/where/"


def test_it_works_under_a_prefix(page: Page, prefixed: str) -> None:
    unlock(page, prefixed, KEY)
    say(page, "hello", "demo/echo")
    answered(page)
    page.locator("nav a[href='#connect']").click()
    page.locator("cockpit-connect .card code", has_text=f"{prefixed}v1").first.wait_for()
