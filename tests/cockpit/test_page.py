"""`GET /` and the cockpit's files, as any HTTP client sees them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from core.cockpit.files import FOLDER, edition
from tests.support.gateway import KEY, running

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SETTINGS = """
[providers.secretive-name]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
models = ["hidden-model"]
"""


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with running(SETTINGS) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_whoever_is_no_browser_gets_the_greeting(http: httpx.Client, accept: str) -> None:
    answer = http.get("/", headers={"Accept": accept})
    assert answer.json() == {"name": "any2api", "api": "/v1"}
    assert answer.headers["vary"] == "Accept"


def test_a_browser_gets_the_page(http: httpx.Client) -> None:
    answer = http.get("/", headers=HTML)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    assert answer.headers["cache-control"] == "no-cache"


def test_the_page_tells_nothing(http: httpx.Client) -> None:
    served = http.get("/", headers=HTML).text
    served += "".join(http.get(f"/cockpit/{edition()}/{path.name}").text for path in FOLDER.iterdir())
    for secret in (KEY, "secretive-name", "hidden-model", "127.0.0.1:9"):
        assert secret not in served


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline(http: httpx.Client) -> None:
    policy = http.get("/", headers=HTML).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "media-src blob:;" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_has_no_inline_script_and_only_relative_links(http: httpx.Client) -> None:
    page = http.get("/", headers=HTML).text
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    assert re.findall(r"\son\w+=|\sstyle=|<style", page) == []
    links = re.findall(r"(?:src|href)=\"([^\"]*)\"", page)
    assert links
    assert all(link.startswith(f"cockpit/{edition()}/") for link in links)


def test_every_link_of_the_page_leads_somewhere(http: httpx.Client) -> None:
    page = http.get("/", headers=HTML).text
    for link in re.findall(r"(?:src|href)=\"([^\"]*)\"", page):
        answer = http.get(f"/{link}")
        assert answer.status_code == 200, link
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_of_another_edition_is_not_kept(http: httpx.Client) -> None:
    assert http.get("/cockpit/other/cockpit.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nowhere.js", "index.html", "..%2Ffiles.py", "%2e%2e%2fapi.py", "static", "."])
def test_nothing_else_is_served(http: httpx.Client, name: str) -> None:
    answer = http.get(f"/cockpit/{edition()}/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"


def test_whoever_cannot_unpack_gets_it_unpacked(http: httpx.Client) -> None:
    packed = http.get("/", headers=HTML)
    plain = http.get("/", headers={**HTML, "Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


def test_a_cold_start_reads_none_of_it() -> None:
    program = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "import core.app\n"
        "found = [path for path in opened if '/cockpit/static/' in path]\n"
        "assert opened and not found, found\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
