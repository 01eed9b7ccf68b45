"""What `any2api secrets` does: values come in on standard input, and never out."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from asyncio.subprocess import PIPE

import pytest

from core.cli import main
from core.cli.stores import variables
from tests.cli.conftest import ROOT
from tests.support.moto import moto

CANARY = "canary-4f9a0c7b21d84e6f90ab"
NAMED = """
[gateway]
keys = "secret://MY_KEYS"

[providers.one]
kind = "openai"
tokens = "secret://TOKENS"
"""


@pytest.fixture
def secrets(directory, monkeypatch, capsys):
    """Runs `any2api secrets …` with a value on standard input; gives exit code, output and errors."""
    (directory / "any2api.toml").write_text(NAMED)
    monkeypatch.setenv("SECRETS_URL", f"file://{directory}/kept/")

    def secrets(*arguments: str, value: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(value))
        code = main(["secrets", *arguments])
        return code, *capsys.readouterr()

    return secrets


def test_a_secret_is_set_and_not_shown(secrets, directory):
    assert secrets("set", "TOKENS", value=f"  {CANARY}\n") == (0, "TOKENS is set.\n", "")
    assert (directory / "kept" / "TOKENS").read_text() == f"{CANARY}\n"


def test_the_list_has_names_only_and_says_what_is_missing(secrets):
    secrets("set", "TOKENS", value=CANARY)
    secrets("set", "OTHER", value=CANARY)
    code, out, err = secrets("list")
    assert (code, out) == (0, "OTHER\nTOKENS\n")
    assert err == "warning: MY_KEYS, named by gateway.keys, is not set\n"


def test_rotation_keeps_the_old_beside_the_new_until_the_next_set(secrets, directory):
    kept = directory / "kept" / "TOKENS"
    secrets("set", "MY_KEYS", value=CANARY)
    secrets("rotate", "TOKENS", value="first")
    assert kept.read_text() == "first\n"
    assert secrets("rotate", "TOKENS", value="second") == (0, "TOKENS is set.\n", "")
    assert kept.read_text() == "second,first\n"
    secrets("rotate", "TOKENS", value="third\nsecond")
    assert kept.read_text() == "third,second,first\n"
    secrets("set", "TOKENS", value="third")
    assert kept.read_text() == "third\n"


def test_a_name_that_nothing_names_is_a_warning(secrets):
    assert secrets("set", "TOKENZ", value=CANARY)[2] == "warning: nothing in any2api.toml names it\n"


def test_a_weak_key_is_a_warning(secrets):
    assert secrets("set", "MY_KEYS", value="sk-1234")[2].startswith("warning: it can be guessed")
    assert secrets("set", "MY_KEYS", value=CANARY)[2] == ""


@pytest.mark.parametrize("value", ["", " \n"])
def test_nothing_on_standard_input_is_an_error(secrets, directory, value):
    assert secrets("set", "TOKENS", value=value) == (1, "", "error: There is no value on standard input.\n")
    assert not (directory / "kept").exists()


@pytest.mark.parametrize("name", ["", "../x", "a b", "secret://X"])
def test_what_cannot_be_a_name(secrets, name):
    code, out, err = secrets("set", name, value=CANARY)
    assert (code, out) == (1, "")
    assert "cannot be the name of a secret" in err


def test_a_value_on_the_command_line_is_refused_and_not_repeated(secrets, directory):
    code, out, err = secrets("set", "TOKENS", CANARY, value="x")
    assert (code, out) == (1, "")
    assert err.startswith("error: A value does not belong on the command line")
    assert CANARY not in err
    assert not (directory / "kept").exists()


def test_a_store_that_cannot_be_written_is_told(secrets):
    code, _, err = secrets("set", "TOKENS", "--store", "env://", value=CANARY)
    assert code == 1
    assert err.startswith("environment: SECRETS_URL: is a store that cannot be written to from here; name one")
    assert "--store" in err


def test_the_store_may_be_named(secrets, directory):
    secrets("set", "--store", f"file://{directory}/lines.env", "TOKENS", value=CANARY)
    assert (directory / "lines.env").read_text() == f"TOKENS={CANARY}\n"


async def test_into_ssm_with_the_profile_of_the_command_line_of_aws(start, directory):
    (directory / ".aws").mkdir()
    (directory / ".aws" / "config").write_text("[profile work]\nregion = eu-west-1\n[default]\nregion = eu-west-1\n")
    with moto() as account:
        user = account.user("laptop", "ssm:PutParameter", "ssm:GetParametersByPath", "ssm:GetParameters")
        keys = [user[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
        (directory / ".aws" / "credentials").write_text(
            "[default]\naws_access_key_id = x\naws_secret_access_key = y\n"
            "[work]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*keys)
        )
        account.check_permissions()
        environment = {
            "HOME": str(directory),
            "AWS_PROFILE": "work",
            "AWS_ENDPOINT_URL": account.url,
            "SECRETS_URL": "ssm:///any2api/",
        }
        process = await start("secrets", "rotate", "KEY", stdin=PIPE, **environment)
        out, err = await process.communicate(CANARY.encode())
        assert (process.returncode, out, err) == (0, b"KEY is set.\n", b"")
        process = await start("secrets", "list", **environment)
        out, err = await process.communicate()
        assert (process.returncode, out) == (0, b"KEY\n")
        process = await start("secrets", "list", **{**environment, "AWS_PROFILE": "default"})
        out, err = await process.communicate()
        assert process.returncode == 1
        assert err.startswith(b"error: AWS ssm refused GetParametersByPath: InvalidClientTokenId; the credentials have")


async def test_a_person_types_it_unseen(directory):
    """In a terminal of its own: the prompt comes, and what is typed does not come back."""
    in_terminal = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    command = [sys.executable, "-m", "core.cli", "secrets", "set", "KEY", "--store", f"file://{directory}/kept/"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", in_terminal, *command, cwd=directory, stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip
    prompt = await asyncio.wait_for(process.stdout.readuntil(b"KEY: "), 30)
    process.stdin.write(CANARY.encode() + b"\n")
    await process.stdin.drain()
    rest = await asyncio.wait_for(process.stdout.read(), 30)
    assert await process.wait() == 0
    assert CANARY.encode() not in prompt + rest
    assert (directory / "kept" / "KEY").read_text() == f"{CANARY}\n"


KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": CANARY}


def files(directory, credentials: str, config: str = "") -> dict[str, str]:
    for name, text in (("credentials", credentials), ("config", config)):
        (directory / name).write_text(text)
    return {"AWS_SHARED_CREDENTIALS_FILE": f"{directory}/credentials", "AWS_CONFIG_FILE": f"{directory}/config"}


def test_the_environment_comes_before_any_file(tmp_path):
    named = files(tmp_path, "[default]\naws_access_key_id=f\naws_secret_access_key=f\n", "[default]\nregion=f\n")
    environment = {**named, **KEYS, "AWS_REGION": "eu-central-1"}
    assert variables(environment) == environment
    del environment["AWS_REGION"]
    assert variables(environment) == {**environment, "AWS_REGION": "f"}


def test_keys_of_a_file_are_taken_whole_with_their_session(tmp_path):
    text = "[p]\naws_access_key_id=f\naws_secret_access_key=%g\naws_session_token=h\n[half]\naws_access_key_id=f\n"
    named = files(tmp_path, text, "[profile p]\nregion=r\n")
    stale = {"AWS_ACCESS_KEY_ID": "stale", "AWS_SESSION_TOKEN": "stale"}
    found = variables({**named, **stale, "AWS_PROFILE": "p"})
    expected = {"AWS_ACCESS_KEY_ID": "f", "AWS_SECRET_ACCESS_KEY": "%g", "AWS_SESSION_TOKEN": "h", "AWS_REGION": "r"}
    assert {**named, "AWS_PROFILE": "p", **expected} == found
    for profile in ("half", "nonesuch"):
        assert variables({**named, "AWS_PROFILE": profile}) == {**named, "AWS_PROFILE": profile}


@pytest.mark.parametrize("text", ["no section", "[default\n", "[default]\naws_access_key_id\n"])
def test_files_that_cannot_be_read_say_nothing(tmp_path, text):
    named = files(tmp_path, text, text)
    assert variables(named) == named
