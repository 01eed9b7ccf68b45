"""The cockpit on every platform: its page and files as any client sees them, and a chat in a real browser."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest

from core.cockpit.files import FOLDER
from core.cockpit.page import POLICY
from tests.handlers.contract.artefacts import Artefact, AwsZip, Laptop, Running
from tests.handlers.contract.google import GoogleZip
from tests.handlers.contract.requests import ask, chat, get
from tests.support.caller import Said
from tests.support.gateway import KEY
from tests.support.openai_upstream import OpenAIUpstream

try:
    from tests.cockpit.browser.chromium import CHROMIUM, chromium_in_loop
except ImportError:
    CHROMIUM = Path()

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
         "json": "application/json", "svg": "image/svg+xml"}  # fmt: skip
TRIES = 200
APIS = ["/api/status", "/api/models", "/api/providers", "/api/credit", "/api/activity"]


async def page(running: Running, **headers: str) -> Said:
    return await ask(running.url, get("/", Authorization=None, Accept=HTML, **headers))


async def file(running: Running, link: str, **headers: str) -> Said:
    return await ask(running.url, get(f"/{link}", Authorization=None, **headers))


async def test_a_browser_gets_the_page_and_it_tells_nothing(running: Running, upstream: OpenAIUpstream):
    said = await page(running)
    assert (said.status, said.headers["content-type"]) == (200, TYPES["html"])
    assert said.headers["content-security-policy"] == POLICY
    assert (said.headers["cache-control"], said.headers["x-frame-options"]) == ("no-cache", "DENY")
    links = re.findall(r'(?:src|href)="([^"]*)"', said.content.decode())
    texts = [said.content.decode(), *[(await file(running, link)).content.decode() for link in links]]
    assert len(texts) > 20
    for secret in (KEY, "fails-401", "spent", upstream.url, "sk-upstream"):
        assert not [text for text in texts if secret in text], secret


async def test_every_file_has_its_type_and_is_kept_for_ever(running: Running):
    edition = re.search(r"cockpit/(\w+)/app\.js", (await page(running)).content.decode())
    assert edition
    for path in FOLDER.iterdir():
        said = await file(running, f"cockpit/{edition[1]}/{path.name}")
        if path.name == "index.html":
            assert said.status == 404
            continue
        assert (said.status, said.headers["content-type"]) == (200, TYPES[path.suffix[1:]]), path.name
        assert said.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert said.headers["x-content-type-options"] == "nosniff"
        assert said.content == path.read_bytes()


async def test_whoever_can_unpack_gets_it_packed(running: Running):
    packed, plain = await page(running, Accept_Encoding="gzip"), await page(running)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content


@pytest.mark.parametrize("path", APIS)
async def test_what_is_behind_the_page_takes_a_key(running: Running, path: str):
    assert (await ask(running.url, get(path))).status == 200
    for key in (None, "Bearer wrong"):
        refused = await ask(running.url, get(path, Authorization=key))
        assert refused.status == 401
        assert refused.error
        assert refused.error["code"] == "invalid_api_key"


async def test_the_status_knows_its_platform(artefact: Artefact, running: Running):
    status = (await ask(running.url, get("/api/status"))).json
    expected = {Laptop: ("server", ""), AwsZip: ("aws-lambda", "eu-central-1"), GoogleZip: ("google-cloud", "")}
    assert (status["platform"], status["region"]) == expected.get(type(artefact), ("vercel", ""))


async def test_the_activity_knows_the_last_chat(running: Running):
    said = await ask(running.url, chat("echo", stream=True))
    for _ in range(TRIES):  # it is noted once the answer is out
        newest = (await ask(running.url, get("/api/activity"))).json["data"][0]
        if newest["request_id"] == said.headers["x-request-id"]:
            break
    assert (newest["request_id"], newest["model"]) == (said.headers["x-request-id"], "echo")
    assert (newest["status"], newest["provider"], newest["finish"]) == (200, "up", "stop")


async def test_unlock_and_chat_in_a_real_browser(running: Running, upstream: OpenAIUpstream):
    if not CHROMIUM.is_file():
        assert not os.environ.get("CI"), "CI has the dependency group `browser`, and Debian's chromium"
        pytest.skip("chromium, or playwright to drive it, is missing")
    async with chromium_in_loop() as browser:
        opened = await browser.new_page(locale="en")
        failures: list[str] = []
        opened.on("pageerror", lambda error: failures.append(str(error)))
        await opened.goto(running.url)
        await opened.get_by_label("Key").fill(KEY)
        await opened.get_by_role("button", name="Unlock").click()
        await opened.locator(".conversation select[name=model]").select_option("gated")
        await opened.get_by_label("Message").fill("word")
        await opened.keyboard.press("Enter")
        await opened.locator("cockpit-light[data-state=streaming]").wait_for()
        upstream.open_gate()
        await opened.get_by_text("word and the rest").wait_for()
        await opened.locator("cockpit-light[data-state=ready]").wait_for()
        await opened.get_by_role("link", name="Models").click()
        await opened.locator("cockpit-models .card").first.wait_for()
    assert failures == []
