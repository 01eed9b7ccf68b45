"""The zip for AWS Lambda, made as `make package-aws` makes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.cli import main
from core.cli.package import aws
from core.cli.package.bytecode import find_interpreter
from tests.support.deployment import ARCH, PYTHON

ROOT = Path(__file__).parents[3]
TOML = '[providers.demo]\nkind = "demo"\n'


def package(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs `any2api package aws` in `folder`."""
    folder.mkdir()
    (folder / "any2api.toml").write_text(TOML)
    command = [sys.executable, "-m", "core.cli", "package", "aws", "--python", PYTHON, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    """The zip for this machine, and what was printed."""
    folder = tmp_path_factory.mktemp("package") / "made"
    done = package(folder, "--arch", ARCH)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "dist" / f"any2api-aws-{ARCH}.zip", done.stdout


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_a_second_time_it_is_the_same_bytes(made, tmp_path):
    """Under another folder, umask, order of hashes and time zone."""
    old = os.umask(0o077)
    try:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        done = package(tmp_path / "again", "--arch", ARCH, PYTHONHASHSEED="7", TZ="Asia/Tokyo", TMPDIR=str(scratch))
    finally:
        os.umask(old)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / "dist" / made[0].name).read_bytes() == made[0].read_bytes()


def test_it_is_small_and_says_what_takes_the_room(made):
    path, printed = made
    assert path.stat().st_size <= 10_000_000
    lines = printed.splitlines()
    assert lines[-1] == f"dist/{path.name}: {path.stat().st_size / 1e6:.2f} MB, for Python {PYTHON} on {ARCH}"
    sizes = {line.split()[0]: int(line.split()[2]) for line in lines[1:-1]}
    assert {"core", "fastapi", "httpx", "pydantic_core", "mangum"} <= sizes.keys()
    assert sorted(sizes.values(), reverse=True) == list(sizes.values())
    assert 0.8 < sum(sizes.values()) * 1000 / path.stat().st_size < 1


def test_what_it_holds(made):
    inside = names(made[0])
    assert "any2api.toml" in inside
    assert {"core/app.py", "core/stores/ssm.py", "core/providers/puter/__init__.py"} <= set(inside)
    assert "core/dialects/declared/presets/openai-sse.toml" in inside
    for unwanted in ("uvicorn", "uvloop", "core/cli", "tests", "httpcore", "h11", "certifi", "click", "moto", "boto"):
        assert [name for name in inside if name.startswith(unwanted)] == []
    assert [name for name in inside if name.endswith((".pyi", ".txt", ".css.map")) or "dist-info" in name] == []
    with zipfile.ZipFile(made[0]) as archive:
        programs = [entry.filename for entry in archive.infolist() if entry.external_attr >> 16 & 0o111]
    assert programs == ["handlers/aws/any2api_runtime"]


def test_every_module_has_its_byte_code_and_of_one_python_only(made):
    inside = set(names(made[0]))
    tag = f"cpython-{PYTHON.replace('.', '')}"
    modules = {name for name in inside if name.endswith(".py")}
    compiled = {re.sub(r"([^/]+)\.py$", rf"__pycache__/\1.{tag}.pyc", name) for name in modules}
    assert compiled == {name for name in inside if name.endswith(".pyc")}


IMPORT_ALL = """
import sys
from pathlib import Path
from handlers import aws_lambda
import asyncio, anyio
aws_lambda.build({"API_MASTER_KEY": "0123456789abcdef01234567"})
asyncio.run(anyio.sleep(0))
here = Path(sys.path[0])
mine = [name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(str(here))]
print(*{name.partition(".")[0] for name in mine})
"""


def test_nothing_is_packed_that_the_function_does_not_import(made, tmp_path):
    """In an isolated Python, so that everything comes out of the zip."""
    with zipfile.ZipFile(made[0]) as archive:
        archive.extractall(tmp_path / "task")
    interpreter = find_interpreter(PYTHON)
    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'task')!r})\n{IMPORT_ALL}"
    done = subprocess.run(
        [interpreter, "-I", "-S", "-c", program],
        cwd=tmp_path / "task",
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    packages = {name.partition("/")[0].removesuffix(".py") for name in names(made[0])}
    assert packages - {"any2api.toml", "__pycache__"} == set(done.stdout.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[providers.x]\nkind = "openai"\nheaders = { api_key = "sk-abcdef0123456789abcdef" }\n',
            "looks like a secret",
        ),
        ('[providers.x]\nkind = "openai"\nbase_ulr = "https://x.example"\n', "any2api.toml:3: providers.x.base_ulr: "),
    ],
)
def test_settings_that_would_not_do_are_not_packed(tmp_path, monkeypatch, capsys, text, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "any2api.toml").write_text(text)
    assert main(["package", "aws"]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


def test_without_the_functions_python_there_is_no_byte_code_at_all(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(aws, "find_interpreter", lambda _: None)
    monkeypatch.setattr(aws, "NOT_NEEDED", (*aws.NOT_NEEDED, "fastapi", "pydantic", "pydantic-core"))
    assert main(["package", "aws", "--arch", "arm64", "--python", "3.13"]) == 0
    told = capsys.readouterr()
    assert told.err.startswith("warning: there is no Python 3.13 here, so the zip has no byte code")
    assert "`uv python install 3.13` gets one" in told.err
    assert "note: there is no any2api.toml" in told.out
    inside = names(tmp_path / "dist" / "any2api-aws-arm64.zip")
    assert not [name for name in inside if name.endswith(".pyc")]
    assert "any2api.toml" not in inside
