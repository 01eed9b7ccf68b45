"""What the page must never do, whatever models, upstreams and their names are made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.types import Receive, Scope, Send

from tests.cockpit.browser.actions import TABS, answered, made, recording, say, tab, unlock
from tests.cockpit.browser.upstreams import FAR_PICTURE, HOSTILE, HOSTILE_NAME, NAMES, NEAR_PICTURE, SCRIPT
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


def visit_all(page: Page, url: str, folder: Path) -> None:
    unlock(page, url, KEY)
    for model in ("hostile", "failing", HOSTILE_NAME):
        say(page, HOSTILE, model)
        answered(page)
    page.locator(".reasoning:not([hidden]) summary").first.click()
    for name in TABS:
        result = made(tab(page, name), recording(folder) if name == "Transcription" else HOSTILE, NAMES[name.lower()])
        result.get_by_text("Request, bytes, and code").click()
    for panel in PANELS:
        page.locator(f"nav a[href='#{panel}']").click()
        page.locator(f"cockpit-{panel}:not([hidden]) .card").first.wait_for()


def test_nothing_hostile_is_executed_or_becomes_an_element(
    gateway: Connected, upstream: OpenAIUpstream, page: Page, tmp_path: Path
) -> None:
    visit_all(page, gateway.url, tmp_path)
    assert page.evaluate("() => document.body.dataset.hacked") is None
    assert page.locator("cockpit-app iframe, cockpit-app script, cockpit-app style, cockpit-app [onerror]").count() == 0
    assert page.locator("cockpit-app a:not([href^='#']):not([download])").count() == 0
    assert page.locator("cockpit-app img").evaluate_all("(all) => all.map((image) => image.src)") == [NEAR_PICTURE]
    page.locator("nav a[href='#terminal']").click()
    page.get_by_role("tab", name="Chat").click()
    chat = page.get_by_role("tabpanel", name="Chat")
    assert chat.get_by_text(HOSTILE, exact=True).count() == 6, "asked, answered and thought, always as text"
    page.locator("nav a[href='#models']").click()
    shown = page.locator(".models .name").all_inner_texts()
    assert {HOSTILE_NAME, *NAMES.values()} <= set(shown)


def test_nothing_hostile_can_be_saved_as_a_page(
    gateway: Connected, upstream: OpenAIUpstream, page: Page, tmp_path: Path
) -> None:
    """A file that is opened in a tab of its own would be a page of this origin: no type may be one that can act."""
    page.add_init_script(
        "const make = URL.createObjectURL;"
        "window.types = [];"
        "URL.createObjectURL = (blob) => (window.types.push(blob.type), make.call(URL, blob));"
    )
    visit_all(page, gateway.url, tmp_path)
    types = page.evaluate("() => window.types")
    assert sorted(types) == ["application/octet-stream", "audio/html", "text/plain"]


def test_a_picture_elsewhere_is_linked_to_and_nothing_else_is(
    gateway: Connected, upstream: OpenAIUpstream, page: Page, requests: list[Request]
) -> None:
    script = f"javascript:{SCRIPT}"
    pictures = json.dumps({"data": [{"url": FAR_PICTURE}, {"url": script}, {"url": "data:text/html,x"}, {"url": None}]})
    page.route("**/v1/images/generations", lambda route: route.fulfill(body=pictures))
    unlock(page, gateway.url, KEY)
    result = made(tab(page, "Image"), "x", "dall-e-3")
    links = result.locator("a").evaluate_all("(all) => all.map((link) => [link.href, link.rel])")
    assert links == [[FAR_PICTURE, "noopener noreferrer"]]
    assert result.get_by_text(script).is_visible()
    assert result.locator("img").count() == 0
    assert [request.url for request in requests if not request.url.startswith(gateway.url)] == []


def test_no_request_leaves_the_origin(
    gateway: Connected, upstream: OpenAIUpstream, page: Page, requests: list[Request], tmp_path: Path
) -> None:
    visit_all(page, gateway.url, tmp_path)
    urls = [request.url for request in requests if not request.url.startswith(("data:", "blob:"))]
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
