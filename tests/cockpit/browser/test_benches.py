"""Pictures, sounds, transcripts, films and vectors in the browser, made by the demo, which makes real ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cockpit.browser.actions import TABS, made, order, recording, tab, unlock
from tests.cockpit.browser.upstreams import ENDLESS_FILM, GONE, SLOW, Media
from tests.conformance.gateways import Connected
from tests.support.gateway import KEY, running
from tests.support.loops import PATIENCE
from tests.support.openai_upstream import OpenAIUpstream

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request

LAZY = ["workbench.js", "image.js", "speech.js", "transcription.js", "video.js", "embedding.js"]
PROMPT = 'A "lighthouse" <b>& a storm</b>'
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Its film takes as long as two looks at it."""
    with running('[providers.demo]\nkind = "demo"\npace = 0.6\n') as url:
        yield url


@pytest.fixture
def cockpit(demo: str, page: Page) -> Page:
    unlock(page, demo, KEY)
    return page


@pytest.fixture
def terminal(gateway: Connected, upstream: OpenAIUpstream, page: Page) -> Page:
    unlock(page, gateway.url, KEY)
    return page


def saved(page: Page, result: Locator, folder: Path) -> Path:
    """The file behind the first link for it."""
    with page.expect_download() as download:
        result.get_by_role("link", name="Download").first.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_pictures_are_shown_and_can_be_saved(cockpit: Page, tmp_path: Path) -> None:
    panel = tab(cockpit, "Image")
    panel.get_by_label("n", exact=True).fill("2")
    panel.get_by_label("size").fill("64x48")
    result = made(panel, PROMPT)
    pictures = result.get_by_role("img", name=PROMPT)
    assert pictures.count() == 2
    sizes = pictures.evaluate_all("(all) => Promise.all(all.map((one) => one.decode().then(() => one.naturalWidth)))")
    assert sizes == [64, 64]
    file = saved(cockpit, result, tmp_path)
    assert (file.name, file.read_bytes()[:8]) == ("picture-1.png", PNG)
    assert re.search(r"total [\d.]+ s", result.locator(".figures").inner_text())
    assert "→ demo" in result.locator(".figures").inner_text()
    cockpit.locator("cockpit-light[data-state=ready]").wait_for()


def test_the_newest_result_stands_first_and_the_others_stay(cockpit: Page) -> None:
    panel = tab(cockpit, "Image")
    made(panel, "one")
    made(panel, "two")
    tab(cockpit, "Embedding")
    assert [about.inner_text() for about in tab(cockpit, "Image").locator(".about").all()] == ["two", "one"]


def test_speech_can_be_played_and_saved(cockpit: Page, tmp_path: Path) -> None:
    result = made(tab(cockpit, "Speech"), "A word or two.")
    result.locator("audio").wait_for()
    cockpit.wait_for_function("() => document.querySelector('audio').duration > 0.3")
    file = saved(cockpit, result, tmp_path)
    assert file.name == "speech.wav", "what came, whatever was asked for"
    assert file.read_bytes()[:4] == b"RIFF"
    assert re.search(r"first event \d+ ms.*kB, audio/wav", result.locator(".figures").inner_text(), re.DOTALL)


def test_what_this_browser_cannot_play_can_still_be_saved(cockpit: Page, tmp_path: Path) -> None:
    panel = tab(cockpit, "Speech")
    panel.get_by_label("response_format").select_option("pcm")
    result = made(panel, "A word")
    assert result.locator("audio").count() == 0
    assert saved(cockpit, result, tmp_path).name == "speech.pcm"


def test_a_recording_is_written_down(cockpit: Page, tmp_path: Path) -> None:
    result = made(tab(cockpit, "Transcription"), recording(tmp_path))
    assert "2.0 seconds" in result.locator(".made .text").inner_text()
    assert "speech.wav, 32 kB" in result.locator(".about").inner_text()
    file = saved(cockpit, result, tmp_path)
    assert file.name == "transcript.txt"
    assert "2.0 seconds" in file.read_text("utf-8")


def test_a_film_is_waited_for_and_shown(cockpit: Page) -> None:
    result = order(tab(cockpit, "Video"), "The sun rises.")
    result.get_by_text(re.compile(r"In progress, \d+ %")).wait_for()
    assert 0 < float(result.get_by_role("progressbar").get_attribute("value") or 0) < 100
    assert cockpit.get_by_role("button", name="Stop").is_visible()
    result.locator(".figures").wait_for()
    assert result.get_by_role("progressbar").count() == 0
    result.locator("video").wait_for()
    cockpit.wait_for_function("() => document.querySelector('video').videoWidth === 320")


def test_vectors_are_compared(cockpit: Page) -> None:
    panel = tab(cockpit, "Embedding")
    panel.get_by_label("dimensions").fill("32")
    panel.get_by_label("Another text").fill("the same words")
    result = made(panel, "the same words")
    assert result.get_by_text("32 numbers").count() == 2
    assert result.get_by_text("Cosine similarity 1.0000").is_visible()


def test_what_makes_no_sense_is_not_asked_for(cockpit: Page) -> None:
    panel = tab(cockpit, "Image")
    panel.get_by_label("n", exact=True).fill("11")
    panel.locator("textarea").fill("x")
    panel.get_by_role("button", name="Run").click()
    assert panel.locator("article").count() == 0
    panel.get_by_label("n", exact=True).fill("1")
    panel.get_by_label("size", exact=True).fill("huge")
    panel.get_by_role("button", name="Run").click()
    assert panel.locator("article").count() == 0
    assert "1024x1024" in (panel.get_by_label("size", exact=True).get_attribute("title") or "")
    panel.get_by_label("size", exact=True).fill("64x64")
    made(panel, "x")


def test_stop_reaches_the_upstream(terminal: Page, fake_upstream: OpenAIUpstream) -> None:
    result = order(tab(terminal, "Image"), "x", SLOW)
    terminal.locator("cockpit-light[data-state=requesting]").wait_for()
    terminal.get_by_role("button", name="Stop").click()
    result.get_by_text("Stopped.").wait_for()
    terminal.locator("cockpit-light[data-state=ready]").wait_for()
    assert isinstance(fake_upstream.media, Media)
    assert fake_upstream.media.left.wait(PATIENCE)


def test_escape_stops_waiting_for_a_film(terminal: Page) -> None:
    result = order(tab(terminal, "Video"), "x", ENDLESS_FILM)
    result.get_by_text("In progress, 10 %").wait_for()
    terminal.keyboard.press("Escape")
    result.get_by_text("Stopped.").wait_for()
    assert terminal.get_by_role("button", name="Run").is_visible()


def test_a_film_that_fails_says_why(terminal: Page) -> None:
    result = made(tab(terminal, "Video"), "x", "sora-2-pro")
    assert "blocked by our moderation system" in result.get_by_role("alert").inner_text()
    terminal.locator("cockpit-light[data-state=error]").wait_for()


def test_an_upstream_that_is_gone_is_told_with_its_code(terminal: Page) -> None:
    result = made(tab(terminal, "Image"), "x", GONE)
    assert "502 upstream_unreachable" in result.get_by_role("alert").inner_text()
    result.get_by_text("Request, bytes, and code").click()
    result.get_by_role("button", name="Bytes").click()
    assert '"upstream_unreachable"' in result.locator("pre").inner_text()


@pytest.mark.parametrize("name", TABS)
def test_an_endpoint_that_is_gone(cockpit: Page, name: str, tmp_path: Path) -> None:
    panel = tab(cockpit, name)
    cockpit.route("**/v1/**", lambda route: route.abort())
    result = made(panel, recording(tmp_path) if name == "Transcription" else "x")
    assert "The endpoint cannot be reached." in result.get_by_role("alert").inner_text()


def test_a_key_that_is_refused_in_the_middle_locks_the_page(cockpit: Page) -> None:
    panel = tab(cockpit, "Image")
    cockpit.route("**/v1/**", lambda route: route.fulfill(status=401, body='{"error": {"code": "invalid_api_key"}}'))
    order(panel, "x")
    cockpit.get_by_role("alert").filter(has_text="not accepted any more").wait_for()


def test_the_bytes_are_shown_without_the_pictures_own(cockpit: Page) -> None:
    result = made(tab(cockpit, "Image"), "x")
    result.get_by_text("Request, bytes, and code").click()
    shown = result.locator("pre")
    shown.get_by_text('"response_format": "b64_json"').wait_for()
    result.get_by_role("button", name="Bytes").click()
    assert shown.inner_text().startswith("HTTP 200\n")
    assert "x-any2api-provider: demo" in shown.inner_text()
    assert re.search(r'"b64_json":"iVBOR[^"]*… \(\d+\)"', shown.inner_text())
    assert len(shown.inner_text()) < 2000


def test_a_tab_is_loaded_when_it_is_first_opened(demo: str, page: Page) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.rpartition("/")[2])

    page.on("request", note)
    unlock(page, demo, KEY)
    assert not set(asked) & set(LAZY)
    tab(page, "Speech")
    assert set(asked) & set(LAZY) == {"workbench.js", "speech.js"}


def test_a_tab_that_cannot_be_loaded_says_so(cockpit: Page) -> None:
    cockpit.route("**/video.js", lambda route: route.abort())
    cockpit.get_by_role("tab", name="Video").click()
    cockpit.get_by_role("tabpanel", name="Video").get_by_text("That failed").wait_for()
    tab(cockpit, "Image")


def test_only_kinds_of_which_there_are_models_have_a_tab(page: Page) -> None:
    settings = '[providers.demo]\nkind = "demo"\npace = 0.001\nmodels = ["demo/echo"]\n'
    with running(settings) as url:
        unlock(page, url, KEY)
        assert page.get_by_role("tablist").is_hidden()
        assert page.get_by_role("tabpanel").count() == 1


def test_it_works_with_the_keyboard_alone(cockpit: Page) -> None:
    cockpit.get_by_role("tab", name="Chat").focus()
    for expected in (*TABS, "Chat"):
        cockpit.keyboard.press("ArrowRight")
        assert cockpit.locator("[role=tab]:focus").inner_text() == expected
        assert cockpit.locator("[role=tab]:focus").get_attribute("aria-selected") == "true"
    cockpit.keyboard.press("End")
    assert cockpit.locator("[role=tab]:focus").inner_text() == "Embedding"
    cockpit.keyboard.press("Home")
    cockpit.keyboard.press("ArrowRight")
    panel = cockpit.get_by_role("tabpanel", name="Image")
    panel.locator("form").wait_for()
    cockpit.keyboard.press("Tab")
    assert cockpit.locator("select:focus").count() == 1
    cockpit.keyboard.press("Tab")
    cockpit.keyboard.type("by hand")
    cockpit.keyboard.press("Enter")
    panel.get_by_role("img", name="by hand").wait_for()
