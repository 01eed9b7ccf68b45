"""Which items each test claims to prove, and with which kinds of upstream, read from how it is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conformance import kinds

_CLAIM = re.compile(r"Items? ((?:\d+(?: to |, | and |,? and )?)+)")
_RANGE = re.compile(r"(\d+)(?: to (\d+))?")


class Claim(NamedTuple):
    """`test` is its name behind that of its file."""

    test: str
    items: frozenset[int]
    kinds: frozenset[str]


def claims() -> Iterator[Claim]:
    """What the tests beside this file claim."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                items = claimed(ast.get_docstring(node))
                yield Claim(f"{file.stem}::{node.name}", frozenset(items), frozenset(_kinds(node)))


def claimed(docstring: str | None) -> list[int]:
    """The numbers after the word that it begins with: "Items 3, 52 to 54 and 60: because …"."""
    found = _CLAIM.match(docstring or "")
    if not found:
        return []
    pairs = [(int(first), int(last or first)) for first, last in _RANGE.findall(found[1])]
    return [item for first, last in pairs for item in range(first, last + 1)]


def _kinds(test: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Name) and hasattr(kinds, mark.id):
            return list(getattr(kinds, mark.id).mark.args)
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.kinds":
            return [ast.literal_eval(kind) for kind in mark.args]
    return ["openai"]
