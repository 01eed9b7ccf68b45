"""What is deployed, as it is deployed: four things that are started as their platforms start them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.support.gateway import KEY
from tests.support.lambda_stand_in import Lambda, function
from tests.support.loops import PATIENCE, LoopThread

ROOT = Path(__file__).parents[3]
PYTHON = str(Path(sys.executable).resolve())
"""This Python without what is installed for the tests."""

SECRETS = {"API_MASTER_KEY": KEY, "UPSTREAM_KEYS": "sk-upstream-credential-0123456789abcdef"}
LONG = 30.0
"""Seconds that a platform grants a request, where no test wants it otherwise."""


@dataclass(frozen=True)
class Running:
    """Something that serves: its address, and all that it has written so far."""

    url: str
    log: Callable[[], str]


class Artefact(Protocol):
    """`hears_hangups`: whether the platform tells it that a caller has hung up."""

    hears_hangups: bool

    def start(self, seconds: float = LONG, **environment: str) -> AbstractContextManager[Running]:
        """Serves until the end of the block, and has `seconds` for a request. The secrets are in its environment."""
        ...


class Laptop:
    """`any2api serve`."""

    hears_hangups = True

    def __init__(self, settings: str, scratch: Path) -> None:
        self._settings = settings
        self._scratch = scratch

    @contextmanager
    def start(self, seconds: float = LONG, **environment: str) -> Iterator[Running]:
        config = self._scratch / "any2api.toml"
        config.write_text(self._settings.replace("[gateway]", f"[gateway]\ntotal_timeout = {seconds - 2}"))
        command = [sys.executable, "-m", "core.cli", "serve", "--port", "0", "--config", str(config)]
        with started(command, self._scratch, {"PYTHONPATH": str(ROOT), **environment}) as (process, log):
            assert process.stdout is not None
            greeting = process.stdout.readline().decode()
            assert greeting.startswith("any2api listens at "), log.read_text()
            yield Running(greeting.split()[-1].removesuffix("/v1"), log.read_text)


class AwsZip:
    """The zip for Lambda, unpacked and started by its own wrapper under the stand-in."""

    hears_hangups = False

    def __init__(self, settings: Path, scratch: Path) -> None:
        self._scratch = scratch
        self._task = scratch / "task"
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        options = ["--arch", "arm64" if os.uname().machine == "aarch64" else "x86_64", "--python", python]
        package("aws", settings, scratch, *options)
        (zipped,) = scratch.glob("*.zip")
        with zipfile.ZipFile(zipped) as archive:
            for entry in archive.infolist():
                Path(archive.extract(entry, self._task)).chmod(entry.external_attr >> 16 & 0o777)

    @contextmanager
    def start(self, seconds: float = LONG, **environment: str) -> Iterator[Running]:
        variables = {
            "PATH": os.environ["PATH"],
            "LAMBDA_TASK_ROOT": str(self._task),
            "_HANDLER": "handlers.aws_lambda.stream",
            "AWS_LAMBDA_FUNCTION_NAME": "any2api",
            "AWS_REGION": "eu-central-1",
            **SECRETS,
            **environment,
        }
        command = [str(self._task / "handlers/aws/any2api_runtime"), PYTHON, "/var/runtime/bootstrap.py"]
        with LoopThread() as thread:
            output = self._scratch / "log"
            stand_in: Lambda = thread.enter(function(command, variables, output, limit=seconds))
            yield Running(stand_in.url, lambda: "\n".join(stand_in.log))


def package(platform: str, settings: Path, folder: Path, *options: str) -> None:
    """Run `any2api package`."""
    command = [
        sys.executable,
        "-m",
        "core.cli",
        "package",
        platform,
        "--config",
        str(settings),
        "--folder",
        str(folder),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, *options], env=environment, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process with the secrets and nothing else of our environment, and the file with what it says on stderr."""
    log = folder.parent / f"{folder.name}.log"
    given = {"PATH": os.environ["PATH"], "HOME": str(folder), **SECRETS, **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=given, stdout=subprocess.PIPE, stderr=output, pass_fds=pass_fds
        )
    try:
        yield process, log
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
