"""The packages in `uv.lock`, installed for another machine than this one."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.chat.errors import ConfigError

PLATFORMS: Final[Mapping[str, str]] = {"arm64": "aarch64", "x86_64": "x86_64"}
"""AWS's word for an architecture, and everybody else's."""

_OF_A_GROUP = re.compile(r"extra == '[\w-]+'")
"""How uv marks what only one of the conflicting groups of dependencies needs."""


def locked(lock: Path, extra: str, *, without: Collection[str]) -> list[str]:
    """Requirements with versions and hashes: what the project needs with `extra`, and what that needs.

    Markers are not looked at, so there may be packages that this platform does not need.
    """
    try:
        packages = tomllib.loads(lock.read_text("utf-8"))["package"]
    except FileNotFoundError:
        raise ConfigError("is missing: run this in a checkout of any2api", source=str(lock)) from None
    by_name: dict[str, list[Any]] = {}
    for package in packages:
        by_name.setdefault(package["name"], []).append(package)
    (project,) = by_name["any2api"]
    waiting = [*project["dependencies"], *project["optional-dependencies"][extra]]
    found: dict[str, str] = {}
    while waiting:
        wanted = waiting.pop()
        name = wanted["name"]
        if name not in without and name not in found and not _OF_A_GROUP.fullmatch(wanted.get("marker", "")):
            package = _the_one(by_name[name], wanted, lock)
            found[name] = _requirement(package)
            waiting += package.get("dependencies", [])
    return [found[name] for name in sorted(found)]


def _the_one(packages: Sequence[Any], wanted: Mapping[str, Any], lock: Path) -> Any:
    """Where there are several versions of a package, the one that is wanted."""
    meant = [package for package in packages if package["version"] == wanted.get("version", package["version"])]
    if len(meant) > 1:
        raise ConfigError(f"has several versions of {wanted['name']}; which one is meant?", source=str(lock))
    return meant[0]


def _requirement(package: Mapping[str, Any]) -> str:
    hashes = " ".join(f"--hash={wheel['hash']}" for wheel in package["wheels"])
    return f"{package['name']}=={package['version']} {hashes}"


def install(requirements: Sequence[str], target: Path, arch: str, python: str) -> None:
    """Unpack the wheels of `requirements` for `python` on Linux, with uv where it is there, else with pip."""
    listed = target.with_suffix(".txt")
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("\n".join(requirements))
    command = _installer(PLATFORMS[arch], python)
    given = ["--quiet", "--no-deps", "--require-hashes", "--python-version", python, "--target", str(target)]
    done = subprocess.run(
        [*command, *given, "--requirement", str(listed)], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise ConfigError(f"cannot be installed for Python {python} on {arch}: {done.stderr.strip()}", source="uv.lock")


def _installer(platform: str, python: str) -> list[str]:
    only_wheels = ["--only-binary", ":all:"]
    if uv := shutil.which("uv"):
        pretended = [f"--python={sys.executable}", f"--python-platform={platform}-manylinux2014"]
        return [uv, "pip", "install", *only_wheels, *pretended]
    if importlib.util.find_spec("pip") is None:
        raise ConfigError("cannot be installed: there is neither uv nor pip", source="uv.lock")
    abis = [f"--abi=cp{python.replace('.', '')}", "--abi=abi3", "--abi=none"]
    pretended = [f"--platform=manylinux2014_{platform}", "--implementation=cp", *abis]
    return [sys.executable, "-m", "pip", "install", *only_wheels, *pretended]
