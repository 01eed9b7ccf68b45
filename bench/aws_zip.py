"""The zip for AWS Lambda: its size, and its cold start beside a hello world that is packed the same way."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measures import KEY
from bench.report import Results, show_progress
from core.cli.package import aws
from core.cli.package.archive import write_zip
from core.cli.package.bytecode import compile_tree, find_interpreter
from core.cli.package.dependencies import install, locked
from core.cli.package.modules import Modules
from core.cli.package.tree import ROOT, lay_out

PYTHON = "3.13" if find_interpreter("3.13") else "{}.{}".format(*sys.version_info[:2])
ARCH = "x86_64" if platform.machine() == "x86_64" else "arm64"
TARGETS = Path(__file__).parent / "targets"
TOML = '[providers.bench]\nkind = "openai"\nmodels = ["m"]\n'

_FIRST_ANSWER = """
import sys, time
sys.path.insert(0, {tree!r})
class context:
    aws_request_id = "1"
    get_remaining_time_in_millis = staticmethod(lambda: 30000)
from {module} import handler
answer = handler({event!r}, context)
assert answer["statusCode"] == 200, answer
sys.stderr.write(f"\\n{{time.process_time() * 1000}}\\n")
"""


@dataclass(frozen=True)
class Function:
    """An unpacked zip, and the module with its handler."""

    tree: Path
    module: str
    size: int

    def cold_start(self) -> float:
        """Milliseconds of CPU time from a fresh interpreter's first instruction to the function's first answer."""
        code = _FIRST_ANSWER.format(tree=str(self.tree), module=self.module, event=_event())
        interpreter = find_interpreter(PYTHON) or sys.executable
        done = subprocess.run(
            [interpreter, "-I", "-S", "-c", code],
            cwd=self.tree,
            env={"PATH": os.environ["PATH"], "API_MASTER_KEY": KEY, "AWS_LAMBDA_FUNCTION_NAME": "bench"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return float(done.stderr.splitlines()[-1])


def run(rounds: int, results: Results) -> None:
    """The two take turns, so that noise meets them alike."""
    with _functions() as functions:
        for name, function in zip((results.baseline, results.gateway), functions, strict=True):
            results.add(name, {"AWS zip MB, beside a hello world": function.size / 1e6})
        for number in range(rounds + 1):
            show_progress(f"cold start of the AWS zip {number} of {rounds}")
            for name, function in zip((results.baseline, results.gateway), functions, strict=True):
                milliseconds = function.cold_start()
                if number:
                    results.add(name, {"AWS zip, cold start ms beside a hello world": milliseconds})


@contextmanager
def _functions() -> Iterator[tuple[Function, Function]]:
    with tempfile.TemporaryDirectory(prefix="any2api-bench-") as scratch:
        yield _hello(Path(scratch, "hello")), _gateway(Path(scratch, "gateway"))


def _gateway(folder: Path) -> Function:
    install(locked(ROOT / "uv.lock", "aws", without=aws.NOT_NEEDED), folder / "installed", ARCH, PYTHON)
    lay_out(folder / "tree", aws.ROOTS, folder / "installed")
    (folder / "tree" / "any2api.toml").write_text(TOML)
    return _packed(folder, "handlers.aws_lambda")


def _hello(folder: Path) -> Function:
    without = {*aws.NOT_NEEDED, "aws-lambda-powertools", "httptools"}
    install(locked(ROOT / "uv.lock", "aws", without=without), folder / "installed", ARCH, PYTHON)
    modules = Modules([TARGETS, folder / "installed"])
    for name in ("hello_function", "anyio._backends._asyncio"):
        modules.add(name)
    for path in modules.files():
        base = TARGETS if path.parent == TARGETS else folder / "installed"
        target = folder / "tree" / path.relative_to(base)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return _packed(folder, "hello_function")


def _packed(folder: Path, module: str) -> Function:
    tree, archive = folder / "tree", folder / "function.zip"
    if interpreter := find_interpreter(PYTHON):
        compile_tree(tree, interpreter)
    write_zip(tree, archive)
    return Function(tree, module, archive.stat().st_size)


def _event() -> dict[str, object]:
    http = {"method": "GET", "path": "/v1/models", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": ""}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/v1/models",
        "rawQueryString": "",
        "headers": {"host": "bench.lambda-url.eu-central-1.on.aws", "authorization": f"Bearer {KEY}"},
        "requestContext": {"http": http, "domainName": "bench.lambda-url.eu-central-1.on.aws", "stage": "$default"},
        "isBase64Encoded": False,
    }
