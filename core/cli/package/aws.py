"""`any2api package aws`: the gateway as a zip for a function, the same bytes each time."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.chat.settings import Settings
from core.cli.package.archive import write_zip
from core.cli.package.bytecode import compile_tree, find_interpreter
from core.cli.package.dependencies import install, locked
from core.cli.package.tree import ROOT, lay_out, note_settings, put_settings

ROOTS = ("handlers.aws.__main__", "handlers.aws_lambda", "anyio._backends._asyncio")
"""What starts, and what anyio imports by a name that stands in no import statement."""

NOT_NEEDED = ("certifi", "click", "h11", "httpcore", "uvicorn", "uvloop")
"""httpx imports some of them for its own transport and command line, the others serve on a laptop."""

FORMER_NAME = "multipart"
"""Of python_multipart: Starlette tries it where the new one is missing."""


def run(settings: Settings, arch: str, python: str, folder: str) -> int:
    """Writes `folder`/any2api-aws-ARCH.zip and prints what takes how much room in it."""
    target = Path(folder) / f"any2api-aws-{arch}.zip"
    with tempfile.TemporaryDirectory(prefix="any2api-package-") as scratch:
        installed, tree = Path(scratch, "installed"), Path(scratch, "tree")
        install(locked(ROOT / "uv.lock", "aws", without=NOT_NEEDED), installed, arch, python)
        shutil.rmtree(installed / FORMER_NAME)
        lay_out(tree, ROOTS, installed)
        put_settings(tree, settings)
        _compile(tree, python)
        sizes = write_zip(tree, target)
    for line in _table(sizes):
        print(line)
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, for Python {python} on {arch}")
    note_settings(settings)
    return 0


def _compile(tree: Path, python: str) -> None:
    interpreter = find_interpreter(python)
    if interpreter is None:
        print(
            f"warning: there is no Python {python} here, so the zip has no byte code and every cold start will compile "
            f"it all; `uv python install {python}` gets one",
            file=sys.stderr,
        )
    else:
        compile_tree(tree, interpreter)


def _table(sizes: dict[str, tuple[int, int]]) -> Iterator[str]:
    """One line for each package, the largest first; sizes in kB, whole and in the zip."""
    width = max(map(len, sizes))
    yield f"{'package':{width}}  {'kB':>7}  {'zipped':>7}"
    for name, (whole, zipped) in sorted(sizes.items(), key=lambda item: -item[1][1]):
        yield f"{name:{width}}  {whole / 1000:7.0f}  {zipped / 1000:7.0f}"
