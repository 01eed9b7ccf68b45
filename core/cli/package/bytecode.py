"""Byte code for the Python that a function runs on, made by just that Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TASK_ROOT = "/var/task"
"""Where a function finds its files, for tracebacks."""


def find_interpreter(python: str) -> str | None:
    """An interpreter of the minor version `python`: ours, one on the PATH, of pyenv or of uv. None if there is none."""
    return next((path for path in _candidates(python) if _version(path) == python), None)


def compile_tree(tree: Path, interpreter: str) -> None:
    """Put byte code beside every module of `tree`.

    It depends on nothing but the source, and is never checked against it, since nothing changes in a zip.
    """
    given = ["-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", TASK_ROOT, str(tree)]
    subprocess.run(
        [interpreter, "-I", "-m", "compileall", *given], env={**os.environ, "PYTHONHASHSEED": "0"}, check=True
    )


def _candidates(python: str) -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{python}"):
        yield found
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from map(str, sorted(root.glob(f"versions/{python}.*/bin/python{python}"), reverse=True))
    if uv := shutil.which("uv"):
        done = subprocess.run(
            [uv, "python", "find", "--no-project", python], capture_output=True, text=True, check=False
        )
        yield done.stdout.strip()


def _version(path: str) -> str:
    """MAJOR.MINOR of an interpreter; empty where `path` is none that runs."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
