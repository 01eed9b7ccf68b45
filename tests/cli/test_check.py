"""What `any2api check` says."""

import pytest

from core.cli import main

CANARY = "canary-4f9a0c7b21d84e6f90ab"


@pytest.fixture
def check(directory, capsys):
    """Checks a file with this text; gives exit code, output and errors."""

    def check(text: str) -> tuple[int, str, str]:
        (directory / "any2api.toml").write_text(text)
        code = main(["check"])
        return code, *capsys.readouterr()

    return check


def test_what_is_in_order_is_summed_up(check, monkeypatch):
    monkeypatch.setenv("API_MASTER_KEY", f"{CANARY},{CANARY}2")
    monkeypatch.setenv("TOKENS", f"{CANARY}3 {CANARY}4")
    monkeypatch.setenv("HEADER", f"{CANARY}5")
    code, out, err = check("""
        [providers.one]
        kind = "openai"
        tokens = "secret://TOKENS"
        headers = { x-device = "Device secret://HEADER" }
        models = ["m", "n"]

        [providers.two]
        kind = "gptanon"

        [models]
        best = ["one/m", "two/x"]
    """)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "any2api.toml is in order.",
        "  one (openai); tokens: 2; models: m, n",
        "  two (gptanon); tokens: none; models: discover",
        "  best -> one/m, two/x",
    ]


def test_secrets_that_are_not_set_are_warnings(check):
    code, _, err = check("""
        [gateway]
        keys = "secret://MY_KEYS"
        [providers.one]
        kind = "openai"
        tokens = "secret://TOKENS"
        headers = { x-device = "secret://DEVICE" }
    """)
    assert code == 0
    assert err.splitlines() == [
        "warning: the secret MY_KEYS, named by gateway.keys, is not set",
        "warning: the secret TOKENS, named by providers.one, is not set",
        "warning: the secret DEVICE, named by providers.one, is not set",
    ]


def test_a_weak_key_is_a_warning_that_does_not_show_it(check, monkeypatch):
    monkeypatch.setenv("API_MASTER_KEY", "sk-1234")
    code, out, err = check('[providers.one]\nkind = "openai"\n')
    assert code == 0
    assert err.startswith("warning: a key of the callers can be guessed")
    assert "sk-1234" not in out + err


def test_a_store_that_cannot_be_read_is_a_warning(check, monkeypatch):
    monkeypatch.setenv("SECRETS_URL", "file:///nowhere/at/all")
    code, _, err = check('[providers.one]\nkind = "openai"\n')
    assert code == 0
    assert err.startswith("warning: The secret store cannot be read.\n")


def test_every_wrong_provider_is_told(check):
    code, out, err = check("""[providers.one]
kind = "openai"
base_ulr = "https://x.example"

[providers.two]
kind = "openai"

[providers.three]
kind = "nonesuch"

[providers.four]
kind = "gptanon"
url = "ftp://x"
""")
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[0].startswith("any2api.toml:3: providers.one.base_ulr: is not a setting of providers.one")
    assert "(there are: base_url, emulate_tools, first_event_timeout, headers, kind, models, reasoning_in" in lines[0]
    assert lines[1].startswith("any2api.toml:9: providers.three.kind: ")
    assert lines[2].startswith("any2api.toml:13: providers.four.url: ")
    assert len(lines) == 3


def test_a_store_that_there_is_none_of_is_told_with_its_variable(check, monkeypatch):
    monkeypatch.setenv("SECRETS_URL", "carrier-pigeon://loft")
    code, _, err = check('[providers.one]\nkind = "openai"\n')
    assert code == 1
    assert err.startswith("environment: SECRETS_URL: ")


async def test_the_environment_alone_can_be_checked(run):
    outcome = await run("check", PUTER_AUTH_TOKENS=f"{CANARY},{CANARY}2", API_MASTER_KEY=f"{CANARY}3")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "environment is in order.",
        "  puter (puter); tokens: 2; models: discover",
    ]
    assert CANARY not in outcome.out + outcome.err
