"""A zip that depends on nothing but the files in it: sorted, undated, with modes of our own."""

from __future__ import annotations

import zipfile
from collections import defaultdict
from pathlib import Path

UNDATED = (1980, 1, 1, 0, 0, 0)
PLAIN, PROGRAM = 0o100644, 0o100755


def write_zip(tree: Path, target: Path) -> dict[str, tuple[int, int]]:
    """Pack `tree`; the size of each top-level package in bytes, whole and zipped. What begins with `#!` can be run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sizes: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            name = path.relative_to(tree).as_posix()
            content = path.read_bytes()
            entry = zipfile.ZipInfo(name, UNDATED)
            entry.create_system = 3  # Unix, whose modes these are, on whatever system the zip was made
            entry.external_attr = (PROGRAM if content.startswith(b"#!") else PLAIN) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)
            package = name.partition("/")[0]
            whole, zipped = sizes[package]
            sizes[package] = (whole + len(content), zipped + entry.compress_size)
    return dict(sizes)
