"""What Vercel's own command line makes of this repository, started by the runtime that it ships with it."""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.cli.package.bytecode import find_interpreter
from tests.handlers.contract.artefacts import LONG, ROOT, Running, started
from tests.support.loops import PATIENCE

CLI = ROOT / "tests/node-vercel/node_modules/.bin/vercel"
PYTHONS = ("3.12", "3.13")
PROJECT = {"projectId": "none", "orgId": "none", "settings": {"framework": "fastapi"}}
LITTER = (
    *(".env", ".env.local", "any2api.toml.bak", "secrets.tfvars", "core/.env.production", "handlers/vercel/.env"),
    *("infra/terraform/terraform.tfstate", "dist/any2api-gcp.zip", "tests/secret.txt", ".terraform/terraform.tfstate"),
)
"""What may lie about in a checkout and must not get into a function."""


class VercelOutput:
    """A copy of the working tree with the settings and some litter, as `vercel build` turned it into a function.

    `config` describes the function called `name`, `files` are its files by their path in it, `routes` lead there.
    """

    hears_hangups = True  # here; on Vercel it may not be told

    def __init__(self, settings: Path, scratch: Path) -> None:
        self._scratch = scratch
        self._task = scratch / "task"
        project = scratch / "project"
        _check_out(project, settings)
        pythons = _build(project, scratch)
        (described,) = (project / ".vercel/output/functions").rglob(".vc-config.json")
        self.name = described.parent.name.removesuffix(".func")
        self.routes: list[dict[str, Any]] = json.loads((project / ".vercel/output/config.json").read_text())["routes"]
        self.config: dict[str, Any] = json.loads(described.read_text())
        self.files = {path.name: path for path in described.parent.iterdir() if path != described}
        self.files |= {name: project / path for name, path in self.config["filePathMap"].items()}
        for name, path in self.files.items():
            (self._task / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, self._task / name)
        self._python = pythons[self.config["runtime"].removeprefix("python")]

    @contextmanager
    def start(self, seconds: float = LONG, **environment: str) -> Iterator[Running]:
        with _control() as (path, messages):
            variables = {
                **self.config["environment"],
                "LAMBDA_TASK_ROOT": str(self._task),
                "VERCEL": "1",
                "VERCEL_ENV": "production",
                "VERCEL_IPC_PATH": path,
                "ANY2API_TIME_LIMIT": str(seconds),
            }
            entry = self.config["handler"].partition(".")[0] + ".py"
            with started([self._python, entry], self._task, {**variables, **environment}):
                message = messages.get(timeout=PATIENCE)
                assert message["type"] == "server-started", message
                yield Running(f"http://127.0.0.1:{message['payload']['httpPort']}", lambda: _log(messages))


def missing() -> str:
    """What keeps `vercel build` from running here; empty where nothing does."""
    if not shutil.which("node"):
        return "there is no node"
    if not CLI.exists():
        return "Vercel's command line is not installed: npm ci --prefix tests/node-vercel"
    if not any(map(find_interpreter, PYTHONS)):
        return "Vercel builds with Python 3.12 or later, and there is none here"
    return ""


def checkout() -> list[str]:
    """The files of this repository as they are now, whether committed or not."""
    given = ["-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(["git", "ls-files", *given], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def _check_out(project: Path, settings: Path) -> None:
    for name in checkout():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, project / name)
    for name in LITTER:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("sk-canary-0123456789abcdef")
    shutil.copy2(settings, project / "any2api.toml")
    (project / ".vercel").mkdir()
    (project / ".vercel/project.json").write_text(json.dumps(PROJECT))


def _build(project: Path, scratch: Path) -> Mapping[str, str]:
    """Run `vercel build`; the interpreters that it could choose from."""
    tools = scratch / "tools"
    tools.mkdir()
    pythons = {version: str(Path(path).resolve()) for version in PYTHONS if (path := find_interpreter(version))}
    for version, path in pythons.items():
        (tools / f"python{version}").symlink_to(path)
    (tools / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    (tools / "node").symlink_to(shutil.which("node") or "")
    told = json.loads((project / "vercel.json").read_text())["build"]["env"]  # the platform's part of the work
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VERCEL", "VIRTUAL_"))}
    environment |= {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(scratch), "NO_UPDATE_NOTIFIER": "1", "CI": "1"}
    done = subprocess.run(
        [str(CLI), "build", "--yes", "--prod"],
        cwd=project,
        env={**environment, **told, "VERCEL_TELEMETRY_DISABLED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return pythons


@contextmanager
def _control() -> Iterator[tuple[str, queue.Queue[Any]]]:
    """The socket on which the runtime tells the platform how it fares, and what it told."""
    messages: queue.Queue[Any] = queue.Queue()
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder, "ipc.sock"))
        listener.bind(path)
        listener.listen()
        reader = threading.Thread(target=_read, args=(listener, messages))
        reader.start()
        try:
            yield path, messages
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            reader.join(PATIENCE)


def _read(listener: socket.socket, messages: queue.Queue[Any]) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:  # nobody ever connected
        return
    heard = b""
    with connection:
        while part := connection.recv(65536):
            *whole, heard = (heard + part).split(b"\0")
            for message in whole:
                messages.put(json.loads(message))


def _log(messages: queue.Queue[Any]) -> str:
    """All that was logged since it was last asked."""
    lines = []
    while not messages.empty():
        message = messages.get()
        if message["type"] == "log":
            lines.append(base64.b64decode(message["payload"]["message"]).decode())
    return "".join(lines)
