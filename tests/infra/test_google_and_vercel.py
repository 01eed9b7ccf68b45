"""Google's and Vercel's modules, whose providers are not there to be asked: what can be known without them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest

from core.stores.gcp_secret_manager import Secrets
from core.wire.client import HttpClient
from handlers import gcp_function
from handlers.vercel import index
from tests.support.terraform import ORIGINAL, ROOT, Terraform, need_terraform

GCP, VERCEL = ORIGINAL / "modules/gcp_function", ORIGINAL / "modules/vercel_project"
EXAMPLES = sorted(path.parent for path in ORIGINAL.glob("examples/*/main.tf"))
COMMENT = re.compile(r"#.*")
REFERENCE = re.compile(r"\b(?:var|local|module)\.\w+|\b(?:data\.)?(?:google|vercel)_\w+\.\w+")


def parsed(folder: Path, kind: str) -> list[Any]:
    """All blocks of a kind, whatever file they are in."""
    documents = [hcl2.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.tf"))]
    return [block for document in documents for block in document.get(kind, [])]


def labelled(folder: Path, kind: str) -> dict[str, Any]:
    """The blocks of a kind that has one label."""
    return {name.strip('"'): body for block in parsed(folder, kind) for name, body in block.items()}


def declared(folder: Path) -> Iterator[str]:
    """Everything in a module that can be referred to."""
    yield from (f"var.{name}" for name in labelled(folder, "variable"))
    yield from (f"local.{name}" for block in parsed(folder, "locals") for name in block if not name.startswith("__"))
    yield from (f"module.{name}" for name in labelled(folder, "module"))
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for block in parsed(folder, kind):
            for name, body in block.items():
                yield from (f"{prefix}{name}.{label}".replace('"', "") for label in body)


@pytest.mark.parametrize(("provider", "folder"), [("google", GCP), ("vercel", VERCEL)], ids=["google", "vercel"])
def test_the_provider_knows_every_resource_and_argument(provider, folder):
    """As a schema of the provider says; it says nothing about types and values, so this is no `terraform validate`."""
    where = os.environ.get("TFCHECK")
    if not where:
        pytest.skip("TFCHECK does not say where the schemas of the providers are")
    command = [sys.executable, f"{where}/check_arguments.py", f"{where}/{provider}.schema.json", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 problems" in done.stdout


@pytest.mark.parametrize("folder", [GCP, VERCEL, *EXAMPLES], ids=lambda folder: folder.name)
def test_whatever_is_referred_to_is_there_and_every_variable_is_used(folder):
    there = set(declared(folder))
    used = {path.name: set(REFERENCE.findall(COMMENT.sub("", path.read_text("utf-8")))) for path in folder.glob("*.tf")}
    assert set().union(*used.values()) <= there
    del used["variables.tf"]
    assert {name for name in there if name.startswith(("var.", "local."))} <= set().union(*used.values())


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_gives_each_module_what_it_takes(folder):
    for body in labelled(folder, "module").values():
        module = (folder / body["source"].strip('"')).resolve()
        variables = labelled(module, "variable")
        required = {name for name, variable in variables.items() if "default" not in variable}
        given = {name for name in body if not name.startswith("__")} - {"source"}
        assert required <= given <= set(variables)
        outputs = set(re.findall(r"module\.\w+\.(\w+)", (folder / "outputs.tf").read_text()))
        assert outputs <= set(labelled(module, "output"))


WRONG = {
    GCP: {
        "project": ("Mine", "6 to 30 small letters"),
        "region": ("Europe", "called like europe-west1"),
        "name": ("x", "6 to 24 small letters"),
        "package": ("missing.zip", "make it with `make package-gcp`"),
        "python": ("3.9", "3.11, 3.12 or 3.13"),
        "memory": ("512", "a whole number with M, G, Mi or Gi"),
        "timeout": ("3601", "10 to 3600"),
        "concurrency": ("0", "1 to 1000"),
        "max_instances": ("0", "at least one instance"),
        "secret_names": ('["a.b"]', "letters, digits, underscores and hyphens"),
        "bound_secrets": ('["OTHER"]', "not in secret_names"),
        "secret_values": ('{"OTHER":"x"}', "not in secret_names"),
        "secrets_version": ("-1", "The version is a whole number"),
        "environment": ('{"SECRETS_URL":"env://"}', "are set by this module"),
        "labels": ('{"A":"b"}', "Labels have small letters"),
    },
    VERCEL: {
        "name": ("With space", "up to 100 small letters"),
        "team_id": ("me", "begins with team_"),
        "directory": ("missing", "this is no checkout of any2api"),
        "regions": ('["europe"]', "called like iad1"),
        "secret_names": ('["a-b"]', "letters, digits and underscores"),
        "secret_values": ("{}", "without a value"),
        "secrets_version": ("0", "a whole number from 1"),
        "environment": ('{"API_MASTER_KEY":"x"}', "a secret among the further"),
    },
}


@pytest.mark.parametrize("module", WRONG, ids=lambda module: module.name)
def test_what_cannot_be_is_refused_before_anything_is_made(module, tmp_path):
    need_terraform()
    wrong = WRONG[module]
    assert wrong.keys() == labelled(module, "variable").keys()
    (tmp_path / "variables.tf").write_text((module / "variables.tf").read_text())
    terraform = Terraform(tmp_path, {})
    lawful = {"project": "my-project", "package": "variables.tf", "directory": str(ROOT), "secret_values": "{}"}
    for names in (wrong.keys() - {"secret_names"}, {"secret_names"}):  # the values are compared with lawful names only
        given = {name: value for name, value in lawful.items() if name in wrong}
        given |= {name: wrong[name][0] for name in names}
        done = terraform.run("plan", *(f"-var={name}={value}" for name, value in given.items()))
        assert done.returncode == 1
        text = re.sub(r"[\s│]+", " ", done.stderr)
        assert [name for name in names if wrong[name][1] not in text] == []


def test_the_function_and_its_store_agree_on_what_secrets_are_called():
    text = (GCP / "main.tf").read_text()
    assert '"gcp-secret-manager://${var.project}/${var.name}"' in text
    assert 'name => "${var.name}-${name}"' in text
    assert Secrets("gcp-secret-manager://project/any2api", {}, HttpClient()).prefix == "any2api-"


def test_the_code_and_terraform_agree_on_the_platforms_time():
    assert labelled(GCP, "variable")["timeout"]["default"] == gcp_function.TIME_LIMIT == index.TIME_LIMIT
    assert "ANY2API_TIME_LIMIT = tostring(var.timeout)" in (GCP / "main.tf").read_text()
