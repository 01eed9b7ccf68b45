"""`any2api package gcp`: a folder for gcloud and the same as a zip, with everything pinned that Google installs."""

from __future__ import annotations

import importlib.metadata
import re
import zipfile
from pathlib import Path

import pytest

from core.cli import main
from core.cli.package.dependencies import locked
from tests.cli.conftest import ROOT

SETTINGS = '[providers.demo]\nkind = "demo"\n'


@pytest.fixture
def package(directory, capsys):
    """Packs into `directory`/dist; what was printed."""

    def package() -> str:
        assert main(["package", "gcp"]) == 0
        return capsys.readouterr().out

    return package


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_and_the_zip_are_the_same_and_take_the_settings_along(package, directory):
    (directory / "any2api.toml").write_text(SETTINGS)
    printed = package()
    staged = files(directory / "dist/any2api-gcp")
    with zipfile.ZipFile(directory / "dist/any2api-gcp.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == staged
    assert staged["any2api.toml"].decode() == SETTINGS
    assert staged["handlers/gcp_function.py"] == (ROOT / "handlers/gcp_function.py").read_bytes()
    assert "core/stores/gcp_secret_manager.py" in staged
    assert "core/dialects/declared/presets/openai-sse.toml" in staged
    assert not [name for name in staged if name.startswith(("core/cli", "handlers/aws", "handlers/vercel"))]
    assert printed.startswith("dist/any2api-gcp: what `gcloud functions deploy` takes")
    assert "there is no any2api.toml" not in printed


def test_without_settings_it_says_so(package, directory):
    assert "there is no any2api.toml" in package()
    assert not (directory / "dist/any2api-gcp/any2api.toml").exists()


def test_the_same_bytes_each_time_and_nothing_is_left_of_the_last(package, directory):
    package()
    first = (directory / "dist/any2api-gcp.zip").read_bytes()
    (directory / "dist/any2api-gcp/secret.env").write_text("left over")
    package()
    assert (directory / "dist/any2api-gcp.zip").read_bytes() == first
    assert not (directory / "dist/any2api-gcp/secret.env").exists()


def test_everything_that_google_installs_is_pinned_with_its_hashes(package, directory):
    package()
    lines = (directory / "dist/any2api-gcp/requirements.txt").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(names)
    for line in lines:
        assert re.fullmatch(r"[a-z0-9.-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+", line)
    wanted = {"functions-framework", "fastapi", "httpx", "httptools", "starlette", "gunicorn", "uvicorn-worker"}
    assert wanted <= set(names)
    for name in wanted & set(names):
        for requirement in importlib.metadata.requires(name) or ():
            needed = re.match(r"[\w.-]+", requirement)
            if needed and ";" not in requirement:
                assert needed[0].lower().replace("_", "-") in names, f"{name} needs {needed[0]}"


def test_of_several_versions_the_one_is_taken_that_is_not_for_a_group(tmp_path):
    """As uv writes it where two groups of dependencies contradict each other."""
    lock = tmp_path / "uv.lock"
    lock.write_text("""
        [[package]]
        name = "any2api"
        version = "1"
        dependencies = [{ name = "parent" }]
        optional-dependencies = { gcp = [] }
        [[package]]
        name = "parent"
        version = "2"
        wheels = [{ hash = "sha256:p" }]
        dependencies = [
            { name = "child", version = "3", marker = "extra == 'group-7-any2api-infra'" },
            { name = "child", version = "4", marker = "extra == 'x' or extra != 'group-7-any2api-infra'" },
        ]
        [[package]]
        name = "child"
        version = "3"
        wheels = [{ hash = "sha256:c3" }]
        [[package]]
        name = "child"
        version = "4"
        wheels = [{ hash = "sha256:c4" }, { hash = "sha256:d4" }]
    """)
    assert locked(lock, "gcp", without=()) == [
        "child==4 --hash=sha256:c4 --hash=sha256:d4",
        "parent==2 --hash=sha256:p",
    ]
