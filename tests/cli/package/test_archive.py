"""A zip that is the same each time."""

from __future__ import annotations

import os
import zipfile

from core.cli.package.archive import write_zip


def test_it_is_sorted_undated_and_has_modes_of_its_own(tmp_path):
    tree = tmp_path / "tree"
    (tree / "b").mkdir(parents=True)
    for name, content in (("b/program", b"#!/bin/sh\n"), ("b/c.py", b"x" * 1000), ("a.toml", b"")):
        (tree / name).write_bytes(content)
        (tree / name).chmod(0o777 if content else 0o400)
        os.utime(tree / name, (2e9, 2e9))
    sizes = write_zip(tree, tmp_path / "new" / "x.zip")
    with zipfile.ZipFile(tmp_path / "new" / "x.zip") as archive:
        entries = archive.infolist()
        assert archive.testzip() is None
        assert archive.read("b/program") == b"#!/bin/sh\n"
    assert [entry.filename for entry in entries] == ["a.toml", "b/c.py", "b/program"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [oct(entry.external_attr >> 16) for entry in entries] == ["0o100644", "0o100644", "0o100755"]
    assert sizes["b"] == (1010, sum(entry.compress_size for entry in entries[1:]))
    assert sizes["b"][1] < 100
