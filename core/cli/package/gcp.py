"""`any2api package gcp`: the source of a Google Cloud Function, which Google itself builds."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.chat.settings import Settings
from core.cli.package.archive import write_zip
from core.cli.package.dependencies import locked
from core.cli.package.tree import ROOT, lay_out, note_settings, put_settings

NAME = "any2api-gcp"
ROOTS = ("handlers.gcp_function",)


def run(settings: Settings, folder: str) -> int:
    """Writes `folder`/any2api-gcp for `gcloud functions deploy`, and the same as a zip for Terraform."""
    tree, target = Path(folder) / NAME, Path(folder) / f"{NAME}.zip"
    requirements = locked(ROOT / "uv.lock", "gcp", without=())
    shutil.rmtree(tree, ignore_errors=True)
    lay_out(tree, ROOTS)
    put_settings(tree, settings)
    (tree / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements), "utf-8")
    write_zip(tree, target)
    print(f"{tree}: what `gcloud functions deploy` takes as --source")
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, the same for Terraform")
    note_settings(settings)
    return 0
