"""The house rules that no linter knows: budgets, imports, and reasons beside every exception from a rule."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [path for room in ("core", "handlers") for path in sorted((ROOT / room).rglob("*.py"))]
OTHERS = [path for room in ("tests", "bench") for path in sorted((ROOT / room).rglob("*.py"))]
EVERYWHERE = [*SOURCES, *(path for path in OTHERS if "node_modules" not in path.parts)]
LOADER = "core/app.py"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_file_is_too_long_to_hold_in_mind(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_functions_fit_a_screen() -> None:
    lengths = {(named(path), node.name): length(node) for path in SOURCES for node in functions(path)}
    assert {name: lines for name, lines in lengths.items() if lines > 40} == {}
    assert sum(lines <= 30 for lines in lengths.values()) / len(lengths) >= 0.9


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_imports_stand_at_the_top(path: Path) -> None:
    inside = [
        node.lineno
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []
    if named(path) != LOADER:
        assert "import_module" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", EVERYWHERE, ids=named)
def test_every_exception_from_a_rule_has_its_reason(path: Path) -> None:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for marker in re.findall(r"#\s*(?:noqa|type: ignore)[^#]*(?:#\s*(.*))?", line):
            assert len(marker) > 4, f"{named(path)}:{number} gives no reason"
        if re.search(r"except Exception\b", line) and path in SOURCES:
            assert re.search(r"#\s*\S.{8,}", line), f"{named(path)}:{number} gives no reason"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_whoever_catches_everything_lets_it_go_on(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "BaseException":
            assert any(isinstance(inside, ast.Raise) for inside in ast.walk(node)), f"{named(path)}:{node.lineno}"


def test_importing_needs_no_environment_and_starts_nothing() -> None:
    """Also what a platform does with a fresh instance: import, with whatever environment it pleases."""
    modules = [named(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in SOURCES]
    modules = [module for module in modules if not module.endswith("__main__")]
    program = (
        "import importlib, sys, threading\n"
        f"for module in {modules!r}: importlib.import_module(module)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "heavy = {'boto3', 'botocore.session', 'openai', 'redis', 'httpcore'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_fastapi_is_told_what_not_to_build_before_it_is_loaded() -> None:
    """Which is a tenth of every cold start: `core/api/__init__.py` must come first, whoever is asked for."""
    program = "import core.app, sys; loaded = [*sys.modules]; assert loaded.index('core.api') < loaded.index('fastapi')"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_nobody_asks_a_provider_who_it_is() -> None:
    """Outside their own files, no kind of provider is known by name."""
    kinds = {path.stem for path in (ROOT / "core" / "providers").iterdir() if path.stem != "__init__"}
    kinds -= {"__pycache__"}
    elsewhere = [path for path in SOURCES if path.parts[-3:-1] != ("core", "providers")]
    elsewhere = [path for path in elsewhere if "providers" not in path.parts and path.name != "config.py"]
    for path in elsewhere:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare):
                words = {word.value for word in ast.walk(node) if isinstance(word, ast.Constant)}
                assert not words & kinds, f"{named(path)}:{node.lineno} compares with a provider's name"
