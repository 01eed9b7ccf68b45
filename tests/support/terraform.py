"""Terraform on a copy of what is under infra/terraform, so that no state comes to lie beside the original."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ORIGINAL = ROOT / "infra" / "terraform"


class Terraform:
    """Runs in `folder`. Its provider comes from where TF_CLI_CONFIG_FILE says, else from the registry."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS": "-no-color",
            **environment,
        }

    def __call__(self, *arguments: str) -> str:
        """What a command prints; it must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def init(self) -> None:
        """Gets the provider, or skips the test where it cannot be got."""
        done = self.run("init")
        if done.returncode:
            skip_unless_ci(f"terraform init fails: {done.stderr.strip()[:500]}")


def need_terraform() -> None:
    """Skips the test where there is no Terraform."""
    if shutil.which("terraform") is None:
        skip_unless_ci("there is no terraform on the PATH")


def skip_unless_ci(why: str) -> None:
    assert not os.environ.get("CI"), f"CI can do this, but {why}"
    pytest.skip(why)


def copy_of_infra(target: Path) -> Path:
    """A copy of infra/terraform without what Terraform wrote into it."""
    leavings = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfplan", "*.tfvars")
    return Path(shutil.copytree(ORIGINAL, target, ignore=leavings))
