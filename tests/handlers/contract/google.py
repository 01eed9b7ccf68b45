"""The zip for Google Cloud Functions, built as Google's buildpack builds it, under the real functions-framework."""

from __future__ import annotations

import compileall
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.handlers.contract.artefacts import LONG, PYTHON, Running, started

LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Hands over a socket that already listens, so that nobody has to guess a port or when it opens."""


class GoogleZip:
    """A zip that `any2api package gcp` wrote, in an environment made from its own requirements.txt."""

    hears_hangups = True

    def __init__(self, zipped: Path, scratch: Path) -> None:
        self.workspace = scratch / "workspace"
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(self.workspace)
        assert compileall.compile_dir(self.workspace, quiet=1), "Google's buildpack would fail here"
        self._bin = scratch / "venv" / "bin"
        uv, requirements = str(Path(sys.executable).with_name("uv")), str(self.workspace / "requirements.txt")
        subprocess.run([uv, "venv", "--quiet", "--python", PYTHON, str(scratch / "venv")], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(self._bin / "python"), "--require-hashes"]
        subprocess.run([*install, "--requirement", requirements], check=True)

    @contextmanager
    def start(self, seconds: float = LONG, **environment: str) -> Iterator[Running]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.set_inheritable(True)
            server = [sys.executable, "-c", LAUNCH, str(listener.fileno()), str(self._bin / "functions-framework")]
            variables = {
                "FUNCTION_TARGET": "openai_api",
                "FUNCTION_SOURCE": "handlers/gcp_function.py",
                "FUNCTION_SIGNATURE_TYPE": "http",
                "K_SERVICE": "any2api",
                "LOG_EXECUTION_ID": "true",  # what Google sets for every function
                "ANY2API_TIME_LIMIT": str(seconds),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            with started(server, self.workspace, {**variables, **environment}, [listener.fileno()]) as (_, log):
                host, port = listener.getsockname()
                yield Running(f"http://{host}:{port}", log.read_text)
