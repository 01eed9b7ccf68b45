"""From nothing to an answer on AWS, as docs/deploy/aws.md says: Terraform, the zip in the function, the OpenAI SDK."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from moto.backends import get_backend
from moto.iam.access_control import IAMPolicy, PermissionResult

from tests.infra.test_terraform import files_with
from tests.support.bounds import bounded
from tests.support.deployment import Checkout, Deployed, commands
from tests.support.models import gated
from tests.support.moto import ACCOUNT, REGION, Moto, moto
from tests.support.openai_upstream import OpenAIUpstream, openai_upstream
from tests.support.terraform import need_terraform

__all__ = ["bounded"]

TOKEN = "upstream-token-5e0c7a41"
QUESTION = {"model": "up/slow", "messages": [{"role": "user", "content": "one"}]}

[PREPARE, FIVE] = commands("From nothing to an answer")
[YOUR_OWN] = commands("Your own services")
[ROTATE, END_OVERLAP] = commands("Rotate")
[LEAVE] = commands("Leave")
FOUR, CURL = FIVE[: FIVE.index("curl ")], FIVE[FIVE.index("curl ") :]


@pytest.fixture(scope="module")
def account() -> Iterator[Moto]:
    need_terraform()
    with moto() as account:
        yield account


@pytest.fixture(scope="module")
def upstream() -> Iterator[OpenAIUpstream]:
    with openai_upstream({"slow": gated}) as server:
        yield server


@pytest.fixture(scope="module")
def checkout(account, tmp_path_factory) -> Checkout:
    """After the first four commands: the function is there, and its key is set."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"), account)
    checkout.terraform.init()
    checkout.type(PREPARE)
    checkout.type(FOUR, typed="yes\n")
    return checkout


@pytest.fixture(scope="module")
def own(checkout, account, upstream, tmp_path_factory) -> Deployed:
    """The same function with a service of one's own, whose token is in SSM."""
    (checkout.folder / "any2api.toml").write_text(f"""
        [gateway]
        secrets_ttl = 0.0
        [providers.up]
        kind = "openai"
        base_url = "{upstream.url}"
        tokens = "secret://UPSTREAM_TOKENS"
    """)
    checkout.type(YOUR_OWN.replace("/any2api/\nmake", f"/any2api/ <<< {TOKEN}\nmake"), typed="yes\n")
    return Deployed(account, tmp_path_factory.mktemp("function"))


def put(checkout: Checkout, name: str, value: str) -> None:
    checkout.type(f"printf %s '{value}' | .venv/bin/any2api secrets set {name} --store ssm:///any2api/")


def ask(url: str, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{url}/v1/chat/completions", json=QUESTION, headers=headers, timeout=60, trust_env=False)


def errors(entries: list[dict[str, object]]) -> list[object]:
    return [entry.get("message") for entry in entries if str(entry.get("level")).upper() == "ERROR"]


def test_it_takes_five_commands():
    joined = re.sub(r"\\\n", "", FIVE)
    assert [line.partition(" ")[0] for line in joined.splitlines()] == [
        "make",
        "terraform",
        "terraform",
        "printf",
        "curl",
    ]


async def test_the_demo_answers_the_documents_curl(checkout, account, tmp_path):
    deployed = Deployed(account, tmp_path)
    async with deployed.started(tmp_path / "log") as function:
        printed = await checkout.type_against(CURL, function.url)
    *events, done = [line.removeprefix("data: ") for line in printed.splitlines() if line.startswith("data: ")]
    assert done == "[DONE]"
    assert (
        len(
            "".join(choice["delta"].get("content") or "" for event in events for choice in json.loads(event)["choices"])
        )
        > 100
    )


def test_the_function_has_the_zip_that_was_packed(checkout, account):
    settings = get_backend("lambda")[ACCOUNT][REGION].get_function("any2api")
    assert settings.code_bytes == checkout.zip.read_bytes()
    assert settings.code_sha_256 == base64.b64encode(hashlib.sha256(settings.code_bytes).digest()).decode()


def test_the_url_is_public_and_streams(checkout, account):
    function = get_backend("lambda")[ACCOUNT][REGION].get_function("any2api")
    url = function.url_config.to_dict()
    assert (url["AuthType"], url["InvokeMode"], url["Cors"]) == ("NONE", "RESPONSE_STREAM", None)
    assert checkout.terraform("output", "-raw", "base_url") == url["FunctionUrl"].rstrip("/") + "/v1"
    (stack,) = get_backend("cloudformation")[ACCOUNT][REGION].list_stacks()
    (permission,) = json.loads(stack.template)["Resources"].values()
    assert permission["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": function.function_arn,
        "InvokedViaFunctionUrl": True,
        "Principal": "*",
    }


def test_the_role_may_read_its_secrets_and_write_its_log_and_nothing_else(checkout, account):
    iam = get_backend("iam")[ACCOUNT]["aws"]
    role = iam.get_role("any2api-function")
    assert role.managed_policies == {}
    ((_, document),) = role.policies.items()
    policy = IAMPolicy(document)
    here = f"{REGION}:{ACCOUNT}"
    allowed = {
        ("ssm:GetParameters", f"arn:aws:ssm:{here}:parameter/any2api/API_MASTER_KEY"),
        ("logs:PutLogEvents", f"arn:aws:logs:{here}:log-group:/aws/lambda/any2api:log-stream:x"),
        ("logs:CreateLogStream", f"arn:aws:logs:{here}:log-group:/aws/lambda/any2api:log-stream:x"),
    }
    for action, resource in allowed:
        assert policy.is_action_permitted(action, resource) is PermissionResult.PERMITTED
    for action, resource in (
        ("ssm:GetParameters", f"arn:aws:ssm:{here}:parameter/other/KEY"),
        ("ssm:PutParameter", f"arn:aws:ssm:{here}:parameter/any2api/API_MASTER_KEY"),
        ("logs:PutLogEvents", f"arn:aws:logs:{here}:log-group:/aws/lambda/other:log-stream:x"),
        ("kms:Decrypt", "*"),
        ("iam:PassRole", "*"),
    ):
        assert policy.is_action_permitted(action, resource) is PermissionResult.NEUTRAL
    statements = json.loads(document)["Statement"]
    assert {action for statement in statements for action in [statement["Action"]] if isinstance(action, str)} == {
        "ssm:GetParameters"
    }
    (log,) = get_backend("logs")[ACCOUNT][REGION].groups.values()
    assert (log.name, log.retention_in_days) == ("/aws/lambda/any2api", 30)


def test_a_second_plan_is_empty(checkout):
    done = checkout.terraform.run("plan", "-detailed-exitcode")
    assert done.returncode == 0, done.stdout


def test_nothing_but_the_zip_is_imported(own):
    """The function's Python has no packages of its own, nor does it see this environment's."""
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('httpx') is not None)"
    assert subprocess.run([own.python, "-c", code], env={}, check=False).returncode == 0


async def test_the_sdk_hears_each_word_before_the_next_is_said(own, checkout, upstream, tmp_path):
    upstream.reset()
    key = checkout.variable("KEY")
    async with own.started(tmp_path / "log") as function:
        async with openai.AsyncOpenAI(base_url=f"{function.url}/v1", api_key=key, max_retries=0) as sdk:
            heard = []
            async for chunk in await sdk.chat.completions.create(**QUESTION, stream=True):
                heard.append(chunk.choices[0].delta.content or "")
                if "".join(heard) == "one ":
                    upstream.open_gate()  # only now does the upstream go on
        assert "".join(heard) == "one and the rest"
        assert function.starts == 1
    (asked,) = upstream.asked
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_key_is_rotated_without_a_new_deployment(own, checkout, upstream, tmp_path):
    upstream.reset()
    upstream.open_gate()
    old = checkout.variable("KEY")
    async with own.started(tmp_path / "log") as function:
        before = await asyncio.to_thread(ask, function.url, old)
        await asyncio.to_thread(checkout.type, ROTATE)
        new = checkout.variable("NEW_KEY")
        during = [await asyncio.to_thread(ask, function.url, key) for key in (old, new)]
        await asyncio.to_thread(checkout.type, END_OVERLAP)
        after = await asyncio.to_thread(ask, function.url, new)
        assert [answer.status_code for answer in (before, *during, after)] == [200] * 4
        assert function.starts == 1
    checkout.type('export KEY="$NEW_KEY"')


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "API_MASTER_KEY",
            "sk-1234",
            "A key in API_MASTER_KEY can be guessed: set it to a random text of 24 or more characters.",
        ),
        ("UPSTREAM_TOKENS", ",", "The secret UPSTREAM_TOKENS is not set."),
    ],
)
async def test_a_weak_key_and_a_missing_secret_are_told(own, checkout, tmp_path, name, value, told):
    key = checkout.variable("KEY")
    good = {"API_MASTER_KEY": key, "UPSTREAM_TOKENS": TOKEN}
    put(checkout, name, value)
    try:
        async with own.started(tmp_path / "log") as function:
            answer = await asyncio.to_thread(ask, function.url, key)
            assert errors(function.entries) == [told]
    finally:
        put(checkout, name, good[name])
    assert answer.status_code == 503
    assert answer.json()["error"] == {
        "message": told,
        "type": "server_error",
        "param": None,
        "code": "configuration_unavailable",
    }


async def test_a_wrong_permission_is_told(own, account, checkout, tmp_path):
    stranger = account.user("stranger")
    account.check_permissions()
    try:
        async with own.started(tmp_path / "log", **stranger) as function:
            answer = await asyncio.to_thread(ask, function.url, checkout.variable("KEY"))
            told = errors(function.entries)
    finally:
        account.check_permissions(after=float("inf"))
    assert told == [
        "AWS ssm refused GetParameters: AccessDenied; allow ssm:GetParameters to the role or user that asks."
    ]
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, told[0])


async def test_a_wrong_configuration_is_told(own, checkout, tmp_path):
    wrong = tmp_path / "any2api.toml"
    wrong.write_text('[providers.up]\nkind = "openai"\nbase_ulr = "https://x.example"\n')
    async with own.started(tmp_path / "log", ANY2API_CONFIG=str(wrong)) as function:
        answer = await asyncio.to_thread(ask, function.url, checkout.variable("KEY"))
        (told,) = errors(function.entries)
    assert answer.status_code == 502
    assert f"{wrong}:3: providers.up.base_ulr: is not a setting" in told


def test_no_secret_is_in_any_file_of_terraform(own, checkout, account):
    checkout.terraform("plan", "-out=again.tfplan")
    for secret in (TOKEN, checkout.variable("KEY"), checkout.variable("NEW_KEY")):
        assert len(secret) > 20
        assert files_with(checkout.infra, secret) == []
        assert secret.encode() not in b"".join(unpacked(checkout.zip))
    assert files_with(checkout.infra, "any2api-function") != []  # it does find what is there


def unpacked(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        for name in archive.namelist():
            yield archive.read(name)


def test_destroying_leaves_nothing_but_the_secrets(own, checkout, account):
    checkout.type(LEAVE, typed="yes\n")
    assert list(get_backend("lambda")[ACCOUNT][REGION].list_functions()) == []
    assert list(get_backend("iam")[ACCOUNT]["aws"].get_roles()) == []
    assert get_backend("logs")[ACCOUNT][REGION].groups == {}
    assert {stack.status for stack in get_backend("cloudformation")[ACCOUNT][REGION].list_stacks()} <= {
        "DELETE_COMPLETE"
    }
    assert checkout.terraform("state", "list") == ""
    listed = checkout.type(".venv/bin/any2api secrets list --store ssm:///any2api/")
    assert listed == "API_MASTER_KEY\nUPSTREAM_TOKENS\n"
