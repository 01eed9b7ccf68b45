"""docs/deploy/gcp.md and vercel.md, followed to the letter as far as a machine without an account can go."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.contract.artefacts import ROOT
from tests.handlers.contract.google import GoogleZip
from tests.handlers.contract.vercel import CLI, VercelOutput
from tests.support.deployment import _behind_tls
from tests.support.google import PROJECT, Google, google
from tests.support.loops import LoopThread

GCP, VERCEL = (ROOT / "docs/deploy" / name for name in ("gcp.md", "vercel.md"))
EXAMPLE = ROOT / "infra/terraform/examples/gcp"
HOST = "any2api-0123456789.europe-west1.run.app"

TERRAFORM = """
[ -d "${1#-chdir=}" ] || { echo "there is no $1" >&2; exit 1; }
case "$2 $3 $4" in
"init  " | "apply -var project=%(project)s" | "destroy -var project=%(project)s") ;;
"output -raw base_url") printf %%s https://%(host)s/v1 ;;
*) echo "terraform $*?" >&2; exit 1 ;;
esac
"""
GCLOUD = """
case "$*" in
"services enable secretmanager.googleapis.com --project %(project)s") ;;
"auth print-access-token") echo %(token)s ;;
*) echo "gcloud $*?" >&2; exit 1 ;;
esac
"""


def blocks(document: Path, section: str, kind: str = "bash") -> list[str]:
    text = document.read_text("utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Shell:
    """bash in a checkout, where Google's and Terraform's programs only look at how they are called."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._variables = folder / "variables.sh"
        self._variables.touch()
        self._environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "CURL_HOME": str(folder),
            **environment,
        }

    def type(self, script: str) -> str:
        command = f'source "{self._variables}"\n{script}\nexport -p > "{self._variables}"'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh{script}")
        path.chmod(0o755)


@pytest.fixture
def project() -> Iterator[Google]:
    with LoopThread() as thread:
        project = thread.enter(google())
        project.tokens = 1
        yield project


@pytest.fixture
def shell(tmp_path, project) -> Shell:
    """A checkout whose environment is installed, and whoever is signed in to gcloud."""
    folder = tmp_path / "checkout"
    shutil.copytree(EXAMPLE, folder / EXAMPLE.relative_to(ROOT))
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy2(ROOT / name, folder / name)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "any2api").symlink_to(Path(sys.executable).with_name("any2api"))
    (programs / ".run").touch()  # make's mark that everything is installed
    shell = Shell(folder, {"CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": project.url})
    told = {"project": PROJECT, "host": HOST, "token": project.token}
    shell.program("terraform", TERRAFORM % told)
    shell.program("gcloud", GCLOUD % told)
    return shell


async def test_google_from_nothing_to_an_answer(shell, project, tmp_path):
    prepare, six = blocks(GCP, "From nothing to an answer")
    shell.type(prepare.replace("PROJECT=my-project", f"PROJECT={PROJECT}"))
    five, curl = six[: six.index("curl ")], six[six.index("curl ") :]
    assert [line.partition(" ")[0] for line in five.splitlines()] == [*("make", "gcloud", "printf"), *["terraform"] * 2]
    shell.type(five)
    key = shell.type('printf %s "$KEY"')
    assert project.secrets == {"any2api-API_MASTER_KEY": [key]}
    function = GoogleZip(shell.folder / "dist/any2api-gcp.zip", tmp_path)
    environment = {"SECRETS_URL": shell.type('printf %s "$SECRETS_URL"'), **project.environment, "API_MASTER_KEY": ""}
    with function.start(**environment) as running:
        async with _behind_tls(HOST, running.url, shell.folder):
            printed = await asyncio.to_thread(shell.type, curl)
    assert "chat.completion.chunk" in printed
    assert printed.endswith("data: [DONE]\n\n")


def test_google_with_services_of_ones_own_and_a_rotation(shell, project):
    shell.type(blocks(GCP, "From nothing to an answer")[0].replace("PROJECT=my-project", f"PROJECT={PROJECT}"))
    (shell.folder / "any2api.toml").write_text(
        '[providers.up]\nkind = "openai"\nbase_url = "http://up.test"\ntokens = "secret://UPSTREAM_TOKENS"\n'
    )
    (own,) = blocks(GCP, "Your own services")
    shell.type(own.replace("set UPSTREAM_TOKENS\n", "set UPSTREAM_TOKENS <<< a-token\n"))
    assert (shell.folder / "dist/any2api-gcp/any2api.toml").exists()
    shell.type('printf %s "$KEY" | .venv/bin/any2api secrets set API_MASTER_KEY')
    rotate, end = blocks(GCP, "Rotate")
    shell.type(rotate)
    old, new = (shell.type(f'printf %s "${name}"') for name in ("KEY", "NEW_KEY"))
    assert project.secrets["any2api-API_MASTER_KEY"][-1] == f"{new},{old}"
    shell.type(end)
    assert project.secrets["any2api-API_MASTER_KEY"][-1] == new
    assert project.secrets["any2api-UPSTREAM_TOKENS"] == ["a-token"]
    shell.type("\n".join(blocks(GCP, "Leave")))


def test_gcloud_understands_every_command_up_to_who_is_asking(tmp_path):
    if not shutil.which("gcloud"):
        pytest.skip("there is no gcloud, and no package of it for CI to install")
    text = GCP.read_text("utf-8").replace("\\\n", "")
    found = re.findall(r"^(?:\$ )?(gcloud (?!auth login).*)$", text, re.MULTILINE)
    assert len(found) == 7
    environment = {**os.environ, "CLOUDSDK_CONFIG": str(tmp_path), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    environment |= {"PROJECT": "my-project", "SECRETS_URL": "gcp-secret-manager://my-project/any2api"}
    (tmp_path / "dist/any2api-gcp").mkdir(parents=True)
    for command in found:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert "You do not currently have an active account selected" in done.stderr, command + done.stderr


def test_vercels_command_line_has_every_command_and_option(vercel_output, tmp_path):
    text = VERCEL.read_text("utf-8")
    found = {
        tuple(shlex.split(line)) for line in re.findall(r"npx vercel ((?:[\w-]+ ?)+.*?)(?=$|`)", text, re.MULTILINE)
    }
    assert ("deploy", "--prod") in found
    environment = {**os.environ, "HOME": str(tmp_path), "VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1"}
    for words in found:
        command = words[: 2 if words[0] == "env" else 1]
        help_ = subprocess.run(
            [str(CLI), *command, "--help"], env=environment, capture_output=True, text=True, check=False
        )
        told = help_.stdout + help_.stderr
        assert f"vercel {' '.join(command)}" in told
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"(?<![\w-]){option}\b", told), f"vercel {' '.join(command)} has no {option}"


async def test_vercel_answers_the_documents_curl(vercel_output: VercelOutput, tmp_path):
    prepare, _, domain, curl = blocks(VERCEL, "From nothing to an answer")
    shell = Shell(tmp_path, {})
    shell.type(prepare + domain)
    demo = tmp_path / "demo.toml"
    demo.write_text('[providers.demo]\nkind = "demo"\n')
    key = shell.type('printf %s "$KEY"')
    with vercel_output.start(API_MASTER_KEY=key, ANY2API_CONFIG=str(demo)) as running:
        async with _behind_tls("any2api.vercel.app", running.url, tmp_path):
            printed = await asyncio.to_thread(shell.type, curl)
    assert "chat.completion.chunk" in printed
    assert printed.endswith("data: [DONE]\n\n")


def test_what_vercel_md_says_of_its_own_settings_is_so():
    text = VERCEL.read_text("utf-8")
    for name in json.loads((ROOT / "vercel.json").read_text())["build"]["env"]:
        assert f"`{name}`" in text
