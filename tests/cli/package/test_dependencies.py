"""What of the lock file is installed, and for whom."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from core.chat.errors import ConfigError
from core.cli.package.dependencies import install, locked
from tests.support.terraform import skip_unless_ci

ROOT = Path(__file__).parents[3]
LOCK = """
[[package]]
name = "any2api"
dependencies = [{ name = "a" }, { name = "left" }]
[package.optional-dependencies]
aws = [{ name = "b", marker = "sys_platform == 'linux'" }]
gcp = [{ name = "other" }]

[[package]]
name = "a"
version = "1"
dependencies = [{ name = "c" }, { name = "a" }]
wheels = [{ hash = "sha256:a1" }, { hash = "sha256:a2" }]

[[package]]
name = "b"
version = "2"
wheels = [{ hash = "sha256:b" }]

[[package]]
name = "c"
version = "3"
dependencies = [{ name = "left" }, { name = "b" }]
wheels = [{ hash = "sha256:c" }]
"""


def test_what_is_needed_is_pinned_with_its_hashes(tmp_path):
    (tmp_path / "uv.lock").write_text(LOCK)
    assert locked(tmp_path / "uv.lock", "aws", without=["left"]) == [
        "a==1 --hash=sha256:a1 --hash=sha256:a2",
        "b==2 --hash=sha256:b",
        "c==3 --hash=sha256:c",
    ]


def test_several_versions_are_no_choice_of_ours(tmp_path):
    (tmp_path / "uv.lock").write_text(LOCK + '\n[[package]]\nname = "c"\nversion = "4"\nwheels = []\n')
    with pytest.raises(ConfigError, match="has several versions of c"):
        locked(tmp_path / "uv.lock", "aws", without=["left"])


def test_without_a_lock_file_it_says_where_to_be(tmp_path):
    with pytest.raises(ConfigError, match="is missing: run this in a checkout of any2api"):
        locked(tmp_path / "uv.lock", "aws", without=())


REQUIREMENTS = [line for line in locked(ROOT / "uv.lock", "aws", without=()) if line.startswith("httptools")]


@pytest.mark.parametrize(("arch", "machine"), [("arm64", 183), ("x86_64", 62)])
def test_wheels_are_for_the_functions_machine(tmp_path, arch, machine):
    install(REQUIREMENTS, tmp_path / "installed", arch, "3.13")
    extensions = list((tmp_path / "installed").rglob("*.so"))
    assert {int.from_bytes(path.read_bytes()[18:20], "little") for path in extensions} == {machine}
    assert all("cpython-313" in path.name for path in extensions)


def test_a_wrong_hash_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^uv\.lock: cannot be installed for Python 3\.13 on arm64: "):
        install(["idna==3.20 --hash=sha256:" + "0" * 64], tmp_path / "installed", "arm64", "3.13")


def test_pip_installs_the_same_as_uv(tmp_path):
    """Where Python has pip, as in what `python -m venv` makes, and there is no uv on the PATH."""
    python = str(Path(sys.base_prefix, "bin", "python3"))
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        skip_unless_ci(f"{python} has no pip")
    program = (
        "import sys; from pathlib import Path; from core.cli.package.dependencies import install\n"
        f"install({REQUIREMENTS!r}, Path({str(tmp_path / 'by_pip')!r}), 'arm64', '3.13')"
    )
    path = f"{ROOT}:{sysconfig.get_path('purelib')}"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "HOME": str(tmp_path)}
    done = subprocess.run(
        [python, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    install(REQUIREMENTS, tmp_path / "by_uv", "arm64", "3.13")
    assert modules(tmp_path / "by_pip") == modules(tmp_path / "by_uv") != {}


def modules(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in {".py", ".so"}
    }
