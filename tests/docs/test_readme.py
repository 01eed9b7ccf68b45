"""What the READMEs tell a newcomer to type, typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.app import LATER, ROUTERS, load_router
from core.chat.settings import read_settings
from core.config import load
from tests.support.gateway import KEY, running

ROOT = Path(__file__).parent.parent.parent
NODE = ROOT / "tests" / "node"
READMES = ["README.md", "README.zh-CN.md"]
DEMO = '[providers.demo]\nkind = "demo"\npace = 0.001\n'

readme = pytest.mark.parametrize("name", READMES)


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with running(DEMO) as url:
        yield url


def typed(program: str, url: str) -> str:
    """`program` with the address and key that this gateway has instead of the newcomer's."""
    assert "http://127.0.0.1:8000" in program
    assert "THE KEY IT PRINTED" in program
    return program.replace("http://127.0.0.1:8000", url).replace("THE KEY IT PRINTED", KEY)


@readme
def test_the_python_program_prints_a_story(name: str, demo: str) -> None:
    [program] = blocks(name, "python")
    done = subprocess.run([sys.executable, "-c", typed(program, demo)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 100


@readme
def test_the_node_program_prints_a_story(name: str, demo: str) -> None:
    if shutil.which("node") is None or not (NODE / "node_modules" / "openai").exists():
        assert not os.environ.get("CI"), "CI has node and npm: run `npm ci` in tests/node"
        pytest.skip("node or the openai package for it is missing")
    [program] = blocks(name, "js")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", typed(program, demo)],
        cwd=NODE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 100


@readme
def test_the_configuration_is_one(name: str) -> None:
    [text] = blocks(name, "toml")
    settings = read_settings(tomllib.loads(text))
    assert settings.models["gpt-4o"] == ("puter/gpt-4o", "deepseek/deepseek-chat")


@readme
def test_each_variable_in_the_table_configures_something(name: str) -> None:
    cells = re.findall(r"^\|[^|]*\|([^|]*`[A-Z_]+`[^|]*)\|$", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    groups = [re.findall(r"`([A-Z_]+)`", cell) for cell in cells]
    assert len(groups) == 5
    kinds = set()
    for group in groups:
        values = {variable: "https://x.test/v1" if "URL" in variable else "v" * 30 for variable in group}
        kinds |= {provider.kind for provider in load(values, None).providers.values()}
    assert kinds == {"demo", "puter", "openai", "flowgpt", "gptanon"}


@readme
def test_the_table_of_answers_is_what_the_app_serves(name: str) -> None:
    told = set(re.findall(r"`(?:GET|POST) (/[^` ]*)`", (ROOT / name).read_text("utf-8")))
    routers = [*ROUTERS, *map(load_router, LATER.values())]
    served = {route.path.replace("{model:path}", "{id}") for router in routers for route in router.routes}  # type: ignore[attr-defined]  # every route here has a path
    assert told == served


@readme
def test_every_file_it_links_to_exists(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text("utf-8")):
        assert (ROOT / target).exists(), target


@readme
def test_every_make_target_exists(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)$", (ROOT / name).read_text("utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
