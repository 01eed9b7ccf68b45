"""The files of a function as they will lie on its platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from core.chat.settings import Settings
from core.cli.package.modules import Modules
from core.config import DEFAULT_FILE, ENVIRONMENT

ROOT = Path(__file__).parent.parent.parent.parent
NAMED_AT_RUN_TIME = ("core.api", "core.providers", "core.stores")
"""What is imported by a name that stands in no import statement."""


def lay_out(tree: Path, roots: Sequence[str], *installed: Path) -> None:
    """Copy into `tree` all that the modules `roots` can import, from here and from what is `installed`."""
    for name, path in _parts(roots, installed):
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())


def put_settings(tree: Path, settings: Settings) -> None:
    """Take the file of the settings along, where they have one."""
    if settings.source != ENVIRONMENT:
        (tree / DEFAULT_FILE).write_bytes(Path(settings.source).read_bytes())


def note_settings(settings: Settings) -> None:
    if settings.source == ENVIRONMENT:
        print(f"note: there is no {DEFAULT_FILE}, so the function will have to be configured by its environment alone")


def _parts(roots: Sequence[str], installed: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Every file of the function, by its path there."""
    modules = Modules([ROOT, *installed])
    for name in roots:
        modules.add(name)
    for name in NAMED_AT_RUN_TIME:
        modules.add(name, with_children=True)
    for path in modules.files():
        base = next(root for root in (*installed, ROOT) if path.is_relative_to(root))
        yield path.relative_to(base).as_posix(), path
    for folder in modules.folders(ROOT):
        for path in _beside_modules(folder):
            yield path.relative_to(ROOT).as_posix(), path


def _beside_modules(folder: Path) -> Iterator[Path]:
    """The files of a package that are no modules, also in folders that are no packages."""
    for path in folder.iterdir():
        if path.name.startswith((".", "__pycache__")) or (path / "__init__.py").exists():
            continue
        if path.is_dir():
            yield from _beside_modules(path)
        elif path.suffix not in {".py", ".pyc"}:
            yield path
