"""The programs that the page offers are run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cockpit.browser.actions import answered, made, recording, say, tab, unlock
from tests.support.gateway import KEY, running

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MODULES = Path(__file__).parents[2] / "node" / "node_modules"
COMMANDS = {"curl": ["bash", "-c"], "Python": [sys.executable, "-c"], "Node": ["node", "--input-type=module", "-e"]}
TEXT = 'it\'s a "test" $HOME `id` \\ 世界'
LOCAL = "no_proxy"

KINDS = ["Chat", "Image", "Speech", "Transcription", "Video", "Embedding"]
SAID = {"Chat": TEXT, "Transcription": "2.0 seconds", "Embedding": "256"}
"""What the programs print."""
WRITTEN = {"Image": ("picture-0.png", b"\x89PNG"), "Speech": ("speech.mp3", b"RIFF"), "Video": ("film.mp4", b"\0\0\0")}
"""Which file they write, and how it begins; curl writes no picture, since that stands in JSON."""


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with running('[providers.demo]\nkind = "demo"\npace = 0.001\n') as url:
        yield url


def result(page: Page, kind: str, folder: Path) -> Locator:
    """What came of asking for something of this kind."""
    if kind == "Chat":
        say(page, TEXT, "demo/echo")
        answered(page)
        return page.locator("article.assistant")
    panel = tab(page, kind)
    if kind == "Embedding":
        panel.get_by_label("Another text").fill(TEXT)
    return made(panel, recording(folder) if kind == "Transcription" else TEXT)


def program(found: Locator, language: str) -> str:
    found.get_by_text("Request, bytes, and code").click()
    found.locator("pre:not(:empty)").wait_for()
    found.get_by_role("button", name=language).click()
    return found.locator("pre").inner_text()


def run(language: str, text: str, folder: Path) -> str:
    """What it prints."""
    if language == "Node":
        if not shutil.which("node") or not MODULES.is_dir():
            assert not os.environ.get("CI"), "CI has npm: run `npm ci` in tests/node"
            pytest.skip("node, or what it needs, is missing")
        (folder / "node_modules").symlink_to(MODULES)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "API_MASTER_KEY": KEY, LOCAL: "127.0.0.1"}
    done = subprocess.run(
        [*COMMANDS[language], text], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def at_once(text: str) -> str:
    """Without the pauses that spare a real upstream."""
    return text.replace("time.sleep(5)", "time.sleep(0.1)").replace("resolve, 5000", "resolve, 100")


def with_its_id(text: str, url: str) -> str:
    """curl's lines for a film, with the id that only its first answer knows."""
    begin, look, fetch = re.split(r"\n\n#.*\n", text)
    first = begin.replace("curl ", "curl -s ", 1)
    return "\n".join([
        f"ID=$({first} | sed 's/.*\"id\":\"\\([^\"]*\\).*/\\1/')",
        "sleep 0.1",
        look.replace(f"{url}/v1/videos/VIDEO_ID", f"{url}/v1/videos/$ID"),
        fetch.replace(f"{url}/v1/videos/VIDEO_ID", f"{url}/v1/videos/$ID"),
    ])  # fmt: skip


@pytest.mark.parametrize("language", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_runs(page: Page, demo: str, kind: str, language: str, tmp_path: Path) -> None:
    unlock(page, demo, KEY)
    text = at_once(program(result(page, kind, tmp_path), language))
    assert KEY not in text
    if (kind, language) == ("Video", "curl"):
        text = with_its_id(text, demo)
    said = run(language, text, tmp_path)
    if kind in SAID and (kind, language) not in {("Chat", "curl"), ("Embedding", "curl")}:
        assert SAID[kind] in said
    elif kind in SAID:
        assert '"object":"chat.completion.chunk"' in said or '"object":"list"' in said
    elif (kind, language) == ("Image", "curl"):
        assert '"b64_json":"' in said
    else:
        name, beginning = WRITTEN[kind]
        assert (tmp_path / name).read_bytes().startswith(beginning)
