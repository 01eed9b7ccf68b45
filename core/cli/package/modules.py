"""Which modules a program can import, read off its import statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path


class Modules:
    """The modules in `paths` that are reachable from those added.

    Every statement counts, also one inside a function or below `if TYPE_CHECKING`: rather a module too many.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._found: dict[str, Path] = {}

    def add(self, name: str, *, with_children: bool = False) -> None:
        """A module and all that it can lead to; `with_children` also every module below it."""
        waiting = [name]
        while waiting:
            waiting += self._take(waiting.pop())
        if with_children:
            folder = self._found[name].parent
            for path in sorted(folder.rglob("*.py")):
                parts = path.relative_to(folder).with_suffix("").parts
                self.add(".".join((name, *parts)).removesuffix(".__init__"))

    def files(self) -> list[Path]:
        return sorted(path for path in self._found.values() if path.is_file())

    def folders(self, root: Path) -> list[Path]:
        """The packages below `root`."""
        packages = {path.parent for path in self._found.values() if path.name == "__init__.py"}
        return sorted(folder for folder in packages if folder.is_relative_to(root))

    def _take(self, name: str) -> Iterator[str]:
        """Adds one module with the packages it is in; the names of what they import."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            module = ".".join(parts[:end])
            if module in self._found:
                continue
            path = self._find(parts[:end])
            if path is None:
                return
            self._found[module] = path
            if path.suffix == ".py":
                package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                yield from imported(path.read_bytes(), package)

    def _find(self, parts: Sequence[str]) -> Path | None:
        """The file of a module, or the folder of a namespace package; None where it is none of ours."""
        for root in self._paths:
            path = root.joinpath(*parts)
            candidates = [path / "__init__.py", path.with_suffix(".py"), *path.parent.glob(f"{path.name}.*.so"), path]
            for candidate in candidates:
                if candidate.is_file() or (candidate.is_dir() and any(candidate.rglob("*.py"))):
                    return candidate
        return None


def imported(source: bytes, package: str) -> Iterator[str]:
    """The absolute names in all import statements of a module in `package`; some may name no module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
