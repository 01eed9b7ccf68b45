"""docs/deploy/aws.md followed to the letter against moto, and the function that comes of it run under our stand-in."""

from __future__ import annotations

import asyncio
import io
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme
from moto.backends import get_backend

from core.cli.package.bytecode import find_interpreter
from tests.support.lambda_stand_in import Lambda, function
from tests.support.moto import ACCOUNT, REGION, Moto
from tests.support.terraform import ROOT, Terraform, copy_of_infra
from tests.support.tls import serving

DOC = ROOT / "docs" / "deploy" / "aws.md"
ARCH = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
PYTHON = "3.13" if find_interpreter("3.13") else "{}.{}".format(*sys.version_info[:2])
"""Of the function: the default where this machine has it, so that the zip can be run here."""


def commands(section: str) -> list[str]:
    """The blocks of bash under a heading of the document."""
    text = DOC.read_text("utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Checkout:
    """What of a checkout the document's commands use, and a shell that keeps its variables between them.

    `variables` are the only departures from the document: where AWS is, and what this machine can run.
    """

    def __init__(self, folder: Path, account: Moto) -> None:
        self.folder = folder
        self.infra = copy_of_infra(folder / "infra" / "terraform") / "examples" / "aws"
        for name in ("Makefile", "pyproject.toml", "uv.lock"):
            (folder / name).write_bytes((ROOT / name).read_bytes())
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        (programs / "any2api").symlink_to(Path(sys.prefix) / "bin" / "any2api")
        (programs / ".run").touch()  # make's mark that everything is installed
        self.zip = folder / "dist" / f"any2api-aws-{ARCH}.zip"
        variables = {
            **account.environment,
            "ARCH": ARCH,
            "FUNCTION_PYTHON": PYTHON,
            "TF_VAR_architecture": ARCH,
            "TF_VAR_package": str(self.zip),
            "TF_VAR_python": PYTHON,
        }
        self.terraform = Terraform(self.infra, variables)
        self._environment = {**self.terraform.environment, "TF_INPUT": "1"}
        self._variables = folder / "variables.sh"
        self._variables.touch()

    def type(self, script: str, typed: str = "") -> str:
        """Runs what the document says in bash, with `typed` on the keyboard; what was printed."""
        command = f'source "{self._variables}"\n{script}\nexport -p > "{self._variables}"'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder, env=self._environment, input=typed, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    async def type_against(self, script: str, url: str) -> str:
        """The same, where the function URL that AWS would serve is answered at `url`."""
        host = urlsplit(self.terraform("output", "-raw", "base_url")).hostname
        async with _behind_tls(host, url, self.folder) as curl:
            self._environment["CURL_HOME"] = str(curl)
            return await asyncio.to_thread(self.type, script)

    def variable(self, name: str) -> str:
        """A variable of the shell."""
        return self.type(f'printf %s "${name}"')


@asynccontextmanager
async def _behind_tls(host: str, url: str, folder: Path) -> AsyncIterator[Path]:
    """A folder with a configuration of curl, which leads it to `url` whenever it asks for `host`."""
    target = urlsplit(url)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(_pipe(reader, onward[1]), _pipe(onward[0], writer))

    context = serving(authority.issue_cert(host))
    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        text = f'connect-to = "{host}:443:127.0.0.1:{port}"\ncacert = "{folder / "authority.pem"}"\nsilent\n'
        (folder / ".curlrc").write_text(text)
        yield folder


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


class Deployed:
    """The function as it is in the account now: its zip unpacked with its modes, its settings, a bare Python."""

    def __init__(self, account: Moto, folder: Path, name: str = "any2api") -> None:
        self.settings: Any = get_backend("lambda")[ACCOUNT][REGION].get_function(name)
        self.code: bytes = self.settings.code_bytes
        self.task = folder / "task"
        with zipfile.ZipFile(io.BytesIO(self.code)) as archive:
            for entry in archive.infolist():
                Path(archive.extract(entry, self.task)).chmod(entry.external_attr >> 16 & 0o777)
        interpreter = find_interpreter(PYTHON)
        assert interpreter is not None
        subprocess.run([interpreter, "-m", "venv", "--without-pip", str(folder / "python")], check=True)
        self.python = str(folder / "python" / "bin" / "python")
        self.environment = {
            **account.environment,
            "PATH": os.environ["PATH"],
            "LAMBDA_TASK_ROOT": str(self.task),
            "_HANDLER": self.settings.handler,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.settings.memory_size),
            **self.settings.environment_vars,
        }

    def started(self, log: Path, **variables: str) -> AbstractAsyncContextManager[Lambda]:
        """The function, started by the wrapper that its environment names, as Lambda starts it."""
        wrapper = self.environment["AWS_LAMBDA_EXEC_WRAPPER"].replace("/var/task", str(self.task))
        command = [wrapper, self.python, "/var/runtime/bootstrap.py"]
        return function(command, {**self.environment, **variables}, log, limit=float(self.settings.timeout))
