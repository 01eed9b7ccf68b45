"""What a program can import, by its import statements."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.package.modules import Modules, imported


def lay(root: Path, **files: str) -> Path:
    """A tree of files; `a__b` is the file a/b.py, and `_init` stands for `__init__`."""
    for name, text in files.items():
        path = root.joinpath(*name.replace("_init", "INIT").split("__")).with_suffix(".py")
        path = path.with_name(path.name.replace("INIT", "__init__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def reached(*roots: Path, start: str, with_children: bool = False) -> set[str]:
    modules = Modules(roots)
    modules.add(start, with_children=with_children)
    return {
        next(path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root))
        for path in modules.files()
    }


@pytest.mark.parametrize(
    ("source", "package", "names"),
    [
        ("import a, b.c as d", "p", {"a", "b.c"}),
        ("from a.b import c, d", "p", {"a.b.c", "a.b.d"}),
        ("from . import x", "p.q", {"p.q.x"}),
        ("from .m import x", "p.q", {"p.q.m.x"}),
        ("from ..m import x", "p.q", {"p.m.x"}),
        ("from a import *", "p", {"a.*"}),
        ("def f():\n    import late", "p", {"late"}),
        ("try:\n    import fast\nexcept ImportError:\n    import slow", "p", {"fast", "slow"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import t", "p", {"typing.TYPE_CHECKING", "t"}),
    ],
)
def test_every_statement_counts(source, package, names):
    assert set(imported(source.encode(), package)) == names


def test_only_what_can_be_reached_is_found(tmp_path):
    lay(tmp_path, p___init="", p__main="from p import used\nimport other", p__used="from . import deeper", p__deeper="")
    lay(tmp_path, p__unused="", other="import json", another="")
    assert reached(tmp_path, start="p.main") == {"p/__init__.py", "p/main.py", "p/used.py", "p/deeper.py", "other.py"}


def test_the_packages_around_a_module_run_first(tmp_path):
    lay(tmp_path, p___init="import a", p__q___init="import b", p__q__m="", a="", b="")
    assert reached(tmp_path, start="p.q.m") == {"p/__init__.py", "p/q/__init__.py", "p/q/m.py", "a.py", "b.py"}


def test_modules_may_import_each_other(tmp_path):
    lay(tmp_path, a="import b", b="import a")
    assert reached(tmp_path, start="a") == {"a.py", "b.py"}


def test_extensions_and_namespaces_are_found_and_the_first_path_wins(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    lay(ours, start="import space.inner, fast.engine, shared", shared="")
    lay(theirs, space__inner___init="", fast___init="", shared="import nonsense", nonsense="")
    (theirs / "fast" / "engine.cpython-313-x86_64-linux-gnu.so").touch()
    expected = {"start.py", "shared.py", "space/inner/__init__.py", "fast/__init__.py"}
    assert reached(ours, theirs, start="start") == {*expected, "fast/engine.cpython-313-x86_64-linux-gnu.so"}


def test_whatever_is_named_at_run_time_comes_with_all_it_leads_to(tmp_path):
    lay(tmp_path, kinds___init="", kinds__one="import lib", kinds__two___init="", kinds__two__part="", lib="")
    expected = {"kinds/__init__.py", "kinds/one.py", "kinds/two/__init__.py", "kinds/two/part.py", "lib.py"}
    assert reached(tmp_path, start="kinds", with_children=True) == expected
