"""A conversation in the browser, from the first word to the last, or to the stop."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cockpit.browser.actions import unlock
from tests.cockpit.browser.upstreams import NEAR_PICTURE
from tests.conformance.gateways import Connected
from tests.support.gateway import KEY, running
from tests.support.openai_upstream import OpenAIUpstream

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


@pytest.fixture
def terminal(gateway: Connected, upstream: OpenAIUpstream, page: Page) -> Page:
    unlock(page, gateway.url, KEY)
    return page


def say(page: Page, text: str, model: str = "echo") -> Locator:
    """Send a message; the answer to it."""
    page.locator("cockpit-terminal select[name=model]").select_option(model)
    before = page.locator("article.assistant").count()
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    return page.locator("article.assistant").nth(before)


def light(page: Page, state: str) -> None:
    page.locator(f"cockpit-light[data-state={state}]").wait_for()


def test_an_answer_is_seen_while_it_comes(terminal: Page, upstream: OpenAIUpstream) -> None:
    answer = say(terminal, "word", "gated")
    light(terminal, "streaming")
    answer.get_by_text("word", exact=True).wait_for()
    assert answer.locator(".figures").count() == 0
    upstream.open_gate()
    answer.get_by_text("word and the rest").wait_for()
    figures = answer.locator(".figures").inner_text()
    assert re.search(r"first event \d+ ms", figures)
    assert re.search(r"\d+ \+ \d+ tokens", figures)
    assert re.search(r"[\d.]+ tokens/s", figures)
    assert "stop" in figures
    assert "→ up" in figures
    light(terminal, "ready")


def test_stop_reaches_the_upstream_and_keeps_what_came(terminal: Page, upstream: OpenAIUpstream) -> None:
    answer = say(terminal, "kept", "gated")
    answer.get_by_text("kept").wait_for()
    terminal.get_by_role("button", name="Stop").click()
    answer.get_by_text("Stopped.").wait_for()
    upstream.wait(lambda server: server.left == ["gated"])
    assert "kept" in answer.inner_text()
    light(terminal, "ready")


def test_a_conversation_has_several_turns_a_system_prompt_and_parameters(
    terminal: Page, upstream: OpenAIUpstream
) -> None:
    terminal.locator(".parameters summary").click()
    terminal.get_by_label("System prompt").fill("Be brief.")
    terminal.get_by_label("temperature").fill("0.3")
    terminal.get_by_label("max_tokens").fill("50")
    say(terminal, "first").locator(".figures").wait_for()
    say(terminal, "second").locator(".figures").wait_for()
    body = upstream.bodies[-1]
    assert [(message["role"], message["content"]) for message in body["messages"]] == [
        ("system", "Be brief."),
        ("user", "first"),
        ("assistant", "first"),
        ("user", "second"),
    ]
    assert body["temperature"] == 0.3
    assert 50 in {body.get("max_tokens"), body.get("max_completion_tokens")}
    terminal.get_by_role("button", name="New chat").click()
    say(terminal, "third").locator(".figures").wait_for()
    assert [message["content"] for message in upstream.bodies[-1]["messages"]] == ["Be brief.", "third"]


def test_a_whole_answer_is_shown_like_a_stream(terminal: Page, upstream: OpenAIUpstream) -> None:
    terminal.locator(".parameters summary").click()
    terminal.get_by_label("Stream", exact=True).uncheck()
    answer = say(terminal, "all at once")
    answer.locator(".figures").wait_for()
    assert answer.locator(".text").last.inner_text() == "all at once"


def test_reasoning_is_folded_away(terminal: Page) -> None:
    answer = say(terminal, "why?", "reasoning")
    answer.locator(".figures").wait_for()
    thought = answer.get_by_text("First I think about it.")
    assert thought.is_hidden()
    answer.locator(".reasoning summary").click()
    assert thought.is_visible()


def test_a_tool_call_is_shown_and_can_be_answered(terminal: Page, upstream: OpenAIUpstream) -> None:
    terminal.locator(".parameters summary").click()
    terminal.get_by_label("Offer a sample tool").check()
    answer = say(terminal, "Weather?", "tools")
    answer.get_by_text("get_weather", exact=True).wait_for()
    answer.locator(".call code", has_text='"city": "Paris"').wait_for()
    answer.get_by_label("What the tool answers").fill("sunny")
    answer.get_by_role("button", name="Send result").click()
    terminal.locator("article.assistant .text", has_text="sunny").wait_for()
    call, result = upstream.bodies[-1]["messages"][-2:]
    assert call["tool_calls"][0]["function"]["name"] == "get_weather"
    assert (result["role"], result["tool_call_id"]) == ("tool", call["tool_calls"][0]["id"])


def test_what_was_emulated_is_told(page: Page) -> None:
    with running('[providers.demo]\nkind = "demo"\npace = 0.001\nemulate_tools = true') as url:
        unlock(page, url, KEY)
        page.locator(".parameters summary").click()
        page.get_by_label("Offer a sample tool").check()
        answer = say(page, "hello", "demo/echo")
        assert "emulated: tools" in answer.locator(".figures").inner_text()


def test_an_image_goes_along(terminal: Page, upstream: OpenAIUpstream, tmp_path: Path) -> None:
    picture = tmp_path / "dot.gif"
    picture.write_bytes(
        bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
    )
    terminal.locator("input[type=file]").set_input_files(picture)
    terminal.locator(".thumbnails img").wait_for()
    say(terminal, "What is this?").locator(".figures").wait_for()
    text, image = upstream.bodies[-1]["messages"][-1]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["image_url"]["url"] == NEAR_PICTURE
    assert terminal.locator(".thumbnails img").count() == 0


def test_a_refusal_is_told_with_its_code(terminal: Page) -> None:
    answer = say(terminal, "x", "failing")
    alert = answer.get_by_role("alert")
    alert.wait_for()
    assert "400" in alert.inner_text()
    light(terminal, "error")


def test_the_bytes_and_the_request_as_programs(terminal: Page, gateway: Connected) -> None:
    answer = say(terminal, "it's")
    answer.locator(".figures").wait_for()
    answer.get_by_text("Request, bytes, and code").click()
    shown = answer.locator("pre")
    answer.locator("pre", has_text='"content": "it\'s"').wait_for()
    answer.get_by_role("button", name="Bytes").click()
    assert shown.inner_text().startswith("data: {")
    assert "data: [DONE]" in shown.inner_text()
    for view, words in {
        "curl": ["$API_MASTER_KEY", r"it'\''s", f"{gateway.url}/v1/chat/completions"],
        "Python": ["stream=True", f'base_url="{gateway.url}/v1"'],
        "Node": ["stream", "for await"],
    }.items():
        answer.get_by_role("button", name=view).click()
        assert all(word in shown.inner_text() for word in words), view
        assert KEY not in shown.inner_text()


def test_it_works_with_the_keyboard_alone(gateway: Connected, upstream: OpenAIUpstream, page: Page) -> None:
    page.goto(gateway.url)
    page.locator("cockpit-lock input[name=key]:focus").wait_for()
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    page.locator("cockpit-terminal option").first.wait_for(state="attached")
    page.locator("textarea[name=message]:focus").wait_for()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    page.locator("article.assistant .figures").wait_for()
    assert upstream.bodies[-1]["messages"][-1]["content"] == "one\ntwo"
    for _ in range(30):
        if page.locator("nav a:focus").count() and page.locator("nav a:focus").inner_text() == "Connect":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("cockpit-connect:not([hidden])").wait_for()
