"""What Vercel would run: which files, with which limits, and what would be sent there in the first place."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from handlers.vercel.index import TIME_LIMIT
from tests.handlers.contract.artefacts import ROOT
from tests.handlers.contract.vercel import LITTER, VercelOutput, checkout

MOST = 250_000_000
"""Bytes of a function, by Vercel's own limit."""


def test_nothing_but_the_function_is_in_the_bundle(vercel_output: VercelOutput, capsys):
    ours = {name for name in vercel_output.files if not name.startswith("_vendor/")}
    sources = {name for name in ours if "__pycache__" not in name}
    core = {name for name in checkout() if name.startswith("core/") and not name.startswith("core/cli/")}
    handlers = {f"handlers/{name}.py" for name in ("__init__", "public", "vercel/__init__", "vercel/index")}
    assert sources == {"any2api.toml", "vc__handler__python.py", *core, *handlers}
    assert not ours & set(LITTER)
    assert not [name for name in ours if b"sk-canary" in vercel_output.files[name].read_bytes()]
    size = sum(path.stat().st_size for path in vercel_output.files.values())
    own = sum(vercel_output.files[name].stat().st_size for name in ours)
    with capsys.disabled():
        print(f"\nVercel bundle: {len(vercel_output.files)} files, {size / 1e6:.1f} MB, {own / 1e6:.1f} MB of it ours")
    assert size < MOST


def test_there_is_only_one_copy_of_our_code(vercel_output: VercelOutput):
    vendored = {name.split("/")[1] for name in vercel_output.files if name.startswith("_vendor/")}
    assert not vendored & {"core", "handlers"}
    assert "fastapi" in vendored


def test_a_cold_start_compiles_nothing(vercel_output: VercelOutput):
    names = set(vercel_output.files)
    modules = {name for name in names if name.startswith(("core/", "handlers/")) and name.endswith(".py")}
    tag = vercel_output.config["runtime"].replace("python", "cpython-").replace(".", "")
    compiled = {str(Path(name).with_name("__pycache__") / f"{Path(name).stem}.{tag}.pyc") for name in modules}
    assert compiled <= names


def test_the_limits_that_we_know_are_those_that_are_configured(vercel_output: VercelOutput):
    assert vercel_output.config["maxDuration"] == TIME_LIMIT == 300
    assert vercel_output.config["supportsResponseStreaming"] is True


def test_every_path_leads_to_the_function(vercel_output: VercelOutput):
    routes = vercel_output.routes
    (route,) = [route for route in routes if route.get("dest") == f"/{vercel_output.name}"]
    assert route["src"] == "/(.*)"
    before = routes[: routes.index(route)]
    assert not [other for other in before if "src" in other and other.get("status") != 404]


def test_what_is_excluded_fits_into_vercels_setting():
    (function,) = json.loads((ROOT / "vercel.json").read_text())["functions"].values()
    assert len(function["excludeFiles"]) <= 256


def test_only_code_settings_and_the_recipe_are_sent_to_vercel(tmp_path):
    """`.vercelignore` in git's own words, which are those that Vercel reads it by."""
    for name in (*checkout(), *LITTER, "any2api.toml", "core/__pycache__/app.cpython-312.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    given = ["--others", f"--exclude-from={ROOT / '.vercelignore'}"]
    sent = subprocess.run(["git", "ls-files", *given], cwd=tmp_path, capture_output=True, text=True, check=True)
    names = set(sent.stdout.splitlines())
    recipe = {"any2api.toml", "pyproject.toml", "uv.lock", "vercel.json", "README.md", "LICENSE"}
    assert {name for name in names if "/" not in name} == recipe
    assert {name.split("/")[0] for name in names if "/" in name} == {"core", "handlers"}
    assert not names & set(LITTER)
    assert not [name for name in names if "__pycache__" in name]
