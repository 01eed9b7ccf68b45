"""The Terraform code itself: its form, its documentation, and what a scanner says of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.backends import get_backend

from tests.support.moto import ACCOUNT, REGION, Moto, moto
from tests.support.terraform import (
    ORIGINAL,
    ROOT,
    Terraform,
    copy_of_infra,
    need_terraform,
    skip_unless_ci,
)

MODULES = sorted(path.parent for path in ORIGINAL.glob("modules/*/main.tf"))
FOLDERS = [*MODULES, *sorted(path.parent for path in ORIGINAL.glob("examples/*/main.tf"))]
CHECKOV = ROOT / ".venv" / "checkov" / "bin" / "checkov"
CANARY, NEXT = "canary-4f9a0c7b21d84e6f90ab", "canary-1bd07e52c96f4fd8a3c4"

module = pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)


def blocks(folder: Path, kind: str) -> dict[str, str]:
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.tf"))
    return dict(re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}$', text, re.MULTILINE | re.DOTALL))


def test_it_is_formatted():
    need_terraform()
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", str(ORIGINAL)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@module
def test_a_module_has_the_standard_structure_and_few_variables(folder):
    assert {"main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"} <= {
        path.name for path in folder.iterdir()
    }
    variables = blocks(folder, "variable")
    assert 0 < len(variables) <= 15
    for name, body in variables.items():
        assert re.search(r'^  description = ".+"$', body, re.MULTILINE), f"{name} has no description"
        assert re.search(r"^  validation \{$", body, re.MULTILINE), f"{name} has no validation"
    for name, body in blocks(folder, "output").items():
        assert re.search(r'^  description = ".+"$', body, re.MULTILINE), f"{name} has no description"


def test_the_tables_in_the_readmes_are_right():
    done = subprocess.run(
        [sys.executable, str(ORIGINAL / "document.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_scanner_finds_nothing_and_every_skip_is_needed():
    checkov = str(CHECKOV) if CHECKOV.exists() else shutil.which("checkov")
    if checkov is None:
        skip_unless_ci("there is no checkov: make .venv/checkov/.made")
    done = subprocess.run(
        [checkov, "-d", str(ORIGINAL), "--framework", "terraform", "--output", "json", "--skip-download"],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["results"]["failed_checks"] == []
    assert report["summary"]["parsing_errors"] == 0
    skipped = {
        (check["file_path"], check["check_id"], check["check_result"]["suppress_comment"])
        for check in report["results"]["skipped_checks"]
    }
    written = {
        (f"/{path.relative_to(ORIGINAL)}", *match)
        for path in ORIGINAL.rglob("*.tf")
        for match in re.findall(r"#checkov:skip=(\w+):(.{20,})", path.read_text("utf-8"))
    }
    assert skipped == written


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    need_terraform()
    return copy_of_infra(tmp_path_factory.mktemp("infra") / "terraform")


def test_the_example_is_valid_and_so_is_its_module(copy):
    terraform = Terraform(copy / "examples" / "aws", {"AWS_REGION": REGION})
    terraform.init()
    assert "The configuration is valid" in terraform("validate")


@pytest.fixture(scope="module")
def account() -> Iterator[Moto]:
    with moto() as account:
        yield account


USES = """
provider "aws" {
  default_tags { tags = { owner = "tests" } }
}
variable "values" {
  type      = map(string)
  ephemeral = true
  default   = {}
}
variable "secrets_version" {
  type    = number
  default = 0
}
module "ssm" {
  source          = "../modules/aws_lambda"
  name            = "in-ssm"
  package         = "function.zip"
  secret_names    = ["KEY"]
  secret_values   = var.values
  secrets_version = var.secrets_version
  alias           = { name = "live", snap_start = true }
}
module "manager" {
  source          = "../modules/aws_lambda"
  name            = "in-manager"
  package         = "function.zip"
  architecture    = "x86_64"
  secrets_url     = "secretsmanager://in-manager"
  secret_names    = ["KEY"]
  secret_values   = var.values
  secrets_version = var.secrets_version
  reserved_concurrency = -1
}
"""


@pytest.fixture(scope="module")
def uses(copy, account) -> Terraform:
    """The module used in both ways, as far as planning."""
    folder = copy / "uses"
    folder.mkdir()
    (folder / "main.tf").write_text(USES)
    with zipfile.ZipFile(folder / "function.zip", "w") as archive:
        archive.writestr("x", "")
    terraform = Terraform(folder, account.environment)
    terraform.init()
    return terraform


def test_what_is_planned_with_an_alias_and_a_snapshot(uses):
    uses("plan", "-out=plan.tfplan")
    plan = json.loads(uses("show", "-json", "plan.tfplan"))
    (uses.folder / "plan.tfplan").unlink()
    planned = {
        resource["address"]: resource["values"]
        for child in plan["planned_values"]["root_module"]["child_modules"]
        for resource in child["resources"]
    }
    function = planned["module.ssm.aws_lambda_function.this"]
    assert function["publish"] is True
    assert function["snap_start"][0]["apply_on"] == "PublishedVersions"
    assert function["reserved_concurrent_executions"] == 10
    assert planned["module.ssm.aws_lambda_function_url.this"]["qualifier"] == "live"
    assert planned["module.ssm.aws_lambda_alias.this[0]"]["name"] == "live"
    plain = planned["module.manager.aws_lambda_function.this"]
    assert (plain["publish"], plain["snap_start"], plain["reserved_concurrent_executions"]) == (False, [], -1)
    assert plain["environment"][0]["variables"]["SECRETS_URL"] == "secretsmanager://in-manager"
    assert not [address for address in planned if "ssm_parameter" in address or "secretsmanager" in address]


def test_secrets_that_terraform_writes_are_in_no_file_of_its(uses):
    targets = [
        "-target=module.ssm.aws_ssm_parameter.secret",
        "-target=module.manager.aws_secretsmanager_secret_version.this",
    ]
    uses.environment["TF_VAR_values"] = json.dumps({"KEY": CANARY})
    uses("plan", "-out=first.tfplan", "-var=secrets_version=1", *targets)
    uses("apply", "first.tfplan")
    assert kept() == (CANARY, CANARY)
    uses.environment["TF_VAR_values"] = json.dumps({"KEY": NEXT})
    uses("apply", "-auto-approve", "-var=secrets_version=2", *targets)
    assert kept() == (NEXT, NEXT)
    assert "No changes" in uses("plan", "-var=secrets_version=2", *targets)
    assert {"first.tfplan", "terraform.tfstate", "terraform.tfstate.backup"} <= {
        path.name for path in uses.folder.iterdir()
    }
    for secret in (CANARY, NEXT):
        assert files_with(uses.folder, secret) == []


def kept() -> tuple[str, str]:
    """What the two stores hold as KEY."""
    ssm = get_backend("ssm")[ACCOUNT][REGION].get_parameters(["/in-ssm/KEY"])["/in-ssm/KEY"]
    assert ssm.parameter_type == "SecureString"
    manager = get_backend("secretsmanager")[ACCOUNT][REGION].get_secret_value("in-manager", "", "")
    return ssm.response_object(True, REGION)["Value"], json.loads(manager["SecretString"])["KEY"]


def files_with(folder: Path, secret: str) -> list[str]:
    """The files that hold `secret`, also packed in a plan."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and "providers" not in path.parts:
            contents = [path.read_bytes()]
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    contents += [archive.read(name) for name in archive.namelist()]
            if any(secret.encode() in content for content in contents):
                found.append(path.name)
    return found


WRONG = {
    "name": ("with space", "The name has 1 to 50 letters, digits and hyphens"),
    "package": ("missing.zip", "make it with `make package-aws`"),
    "architecture": ("arm", "arm64 or x86_64"),
    "python": ("3.9", "3.11, 3.12 or 3.13"),
    "memory_size": ("100", "128 to 10240"),
    "timeout": ("901", "10 to 900"),
    "reserved_concurrency": ("-2", "-1 for none"),
    "secrets_url": ("ssm:///any2api", "with a slash at its end"),
    "secret_names": ('["a b"]', "letters, digits, underscores"),
    "secret_values": ('{"OTHER":"x"}', "not in secret_names"),
    "secrets_version": ("-1", "The version is a whole number"),
    "environment": ('{"SECRETS_URL":"env://"}', "are set by this module"),
    "log_retention_days": ("31", "CloudWatch keeps logs for"),
    "alias": ('{"name":"1"}', "An alias begins with a letter"),
    "tags": ('{"aws:x":"y"}', "belong to AWS"),
}


def test_what_cannot_be_is_refused_before_anything_is_made(copy, account):
    assert WRONG.keys() == blocks(copy / "modules" / "aws_lambda", "variable").keys()
    terraform = Terraform(copy / "modules" / "aws_lambda", account.environment)
    terraform.init()
    for names in (WRONG.keys() - {"secret_names"}, {"secret_names"}):  # the values are compared with lawful names only
        given = {"package": "main.tf"} | {name: WRONG[name][0] for name in names}
        done = terraform.run("plan", *(f"-var={name}={value}" for name, value in given.items()))
        assert done.returncode == 1
        text = re.sub(r"[\s│]+", " ", done.stderr)
        assert [name for name in names if WRONG[name][1] not in text] == []
