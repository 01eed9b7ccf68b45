"""Byte code of the right Python, or none."""

from __future__ import annotations

import importlib.util
import marshal
import sys
from pathlib import Path

import pytest

from core.cli.package.bytecode import compile_tree, find_interpreter

HERE = "{}.{}".format(*sys.version_info[:2])
UNCHECKED_HASH = (1).to_bytes(4, "little")


def test_our_own_python_is_found_first():
    assert find_interpreter(HERE) == sys.executable


def test_another_is_found_on_the_path_or_at_pyenv(tmp_path, monkeypatch):
    def pretend(path: Path, version: str) -> str:
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\necho {version}\n")
        path.chmod(0o755)
        return str(path)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert find_interpreter("3.99") is None
    old = pretend(tmp_path / "pyenv/versions/3.99.1/bin/python3.99", "3.99")
    assert find_interpreter("3.99") == old
    shim = Path(pretend(tmp_path / "bin/python3.99", "not found; exit 1"))
    shim.write_text("#!/bin/sh\nexit 127\n")  # as pyenv's are where no such version is chosen
    assert find_interpreter("3.99") == old
    shim.write_text("#!/bin/sh\necho 3.98\n")
    assert find_interpreter("3.99") == old
    shim.write_text("#!/bin/sh\necho 3.99\n")
    assert find_interpreter("3.99") == str(shim)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_byte_code_is_that_of_the_python_and_never_checked(tmp_path, python):
    interpreter = find_interpreter(python)
    if interpreter is None:
        pytest.skip(f"there is no Python {python} here")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "m.py").write_text("NAMES = {'one', 'two', 'three', 'four'}\n")
    compile_tree(tmp_path, interpreter)
    tag = f"cpython-{python.replace('.', '')}"
    (compiled,) = tmp_path.rglob("*.pyc")
    assert compiled == tmp_path / "p" / "__pycache__" / f"m.{tag}.pyc"
    first = compiled.read_bytes()
    assert first[4:8] == UNCHECKED_HASH
    if python == HERE:
        assert first[:4] == importlib.util.MAGIC_NUMBER
        assert marshal.loads(first[16:]).co_filename == "/var/task/p/m.py"
    else:
        assert first[:4] != importlib.util.MAGIC_NUMBER
    compiled.unlink()
    compile_tree(tmp_path, interpreter)
    assert compiled.read_bytes() == first
