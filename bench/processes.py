"""The processes of a run: the C programs, and the servers whose CPU time and memory are read from outside."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
START_TIMEOUT = 30.0
_LIBC = ctypes.CDLL(None, use_errno=True)
_UVICORN = (
    *("--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--log-level", "warning"),
    *("--no-access-log", "--no-server-header", "--no-proxy-headers", "--factory"),
)


@dataclass(frozen=True)
class Server:
    """A running process that listens on a port of its own."""

    name: str
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """CPU time of the whole process so far, threads that have ended included."""
        clock = ctypes.c_int()
        if error := _LIBC.clock_getcpuclockid(self.pid, ctypes.byref(clock)):
            raise OSError(error, f"no CPU clock for {self.name}: {os.strerror(error)}")
        return time.clock_gettime(clock.value)

    def memory(self) -> float:
        """Proportional set size in MiB: its own pages, and its share of those that it shares."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise OSError(f"/proc/{self.pid}/smaps_rollup tells no proportional set size")


def upstream() -> AbstractContextManager[Server]:
    """The C upstream."""
    port = free_port()
    return _running("upstream", [str(compiled("upstream")), str(port)], port, {})


def target(name: str, environment: Mapping[str, str]) -> AbstractContextManager[Server]:
    """The app that `bench.targets.NAME` makes, under uvicorn with its fastest event loop and parser."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"bench.targets.{name}:make_app", "--port", str(port), *_UVICORN]
    return _running(name, command, port, environment)


@contextmanager
def _running(name: str, command: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[Server]:
    """What it writes to standard error goes to nowhere, which is still part of its price."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=HERE.parent, stderr=subprocess.DEVNULL)
    try:
        _wait_until_listening(process, port)
        yield Server(name, port, process.pid)
    finally:
        process.kill()
        process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"this does not start: {process.args!r}")


def compiled(name: str) -> Path:
    """The program made from NAME.c, compiled again where the source is newer."""
    source, program = HERE / f"{name}.c", HERE / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)
    return program


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
