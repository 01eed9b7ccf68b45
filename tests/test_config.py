"""Where settings come from, where mistakes stand, and which secrets are found in the wrong place."""

import textwrap
from pathlib import Path

import pytest

from core.chat.errors import ConfigError
from core.chat.settings import ProviderSettings, Settings
from core.config import is_weak, line_of, load, located


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "any2api.toml") -> str:
    Path(name).write_text(textwrap.dedent(text), encoding="utf-8")
    return name


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load({}, write(text))
    return str(refused.value)


# Which source


def named(provider: str) -> str:
    return f'[providers.{provider}]\nkind = "demo"\n'


def test_the_path_wins_over_the_variable_and_that_over_the_working_directory():
    write(named("here"))
    environment = {"ANY2API_CONFIG": write(named("variable"), "variable.toml"), "PUTER_AUTH_TOKENS": "a"}
    path = write(named("path"), "path.toml")
    assert [*load(environment, path).providers] == ["path"]
    assert [*load(environment).providers] == ["variable"]
    assert [*load({"PUTER_AUTH_TOKENS": "a"}).providers] == ["here"]
    Path("any2api.toml").unlink()
    assert [*load({"PUTER_AUTH_TOKENS": "a"}).providers] == ["puter"]


def test_settings_know_their_source():
    assert load({}).source == "environment"
    assert load({}, write(named("x"), "other.toml")).source == "other.toml"


def test_nothing_at_all_is_the_demo():
    assert load({}).providers == {"demo": ProviderSettings("demo", "demo")}


@pytest.mark.parametrize("environment", [{"ANY2API_CONFIG": "missing.toml"}, {}])
def test_a_file_that_was_asked_for_must_be_there(environment):
    with pytest.raises(ConfigError) as refused:
        load(environment, None if environment else "missing.toml")
    assert str(refused.value) == "missing.toml: cannot be read: No such file or directory"


def test_a_byte_order_mark_and_windows_lines_do_no_harm(directory):
    (directory / "any2api.toml").write_bytes(b'\xef\xbb\xbf[providers.x]\r\nkind = "demo"\r\n')
    assert [*load({}).providers] == ["x"]


# The environment alone


def providers(**environment: str) -> dict[str, ProviderSettings]:
    return dict(load(environment).providers)


def test_puter_by_its_variable():
    assert providers(PUTER_AUTH_TOKENS="a,b") == {
        "puter": ProviderSettings("puter", "puter", tokens="secret://PUTER_AUTH_TOKENS")
    }


def test_flowgpt_by_its_variables():
    assert providers(FLOWGPT_BEARER_TOKEN="a", FLOWGPT_DEVICE_ID="b") == {
        "flowgpt": ProviderSettings(
            "flowgpt",
            "flowgpt",
            tokens="secret://FLOWGPT_BEARER_TOKEN",
            table={"device_id": "secret://FLOWGPT_DEVICE_ID"},
        )
    }


@pytest.mark.parametrize(
    ("given", "missing"),
    [("FLOWGPT_BEARER_TOKEN", "FLOWGPT_DEVICE_ID"), ("FLOWGPT_DEVICE_ID", "FLOWGPT_BEARER_TOKEN")],
)
def test_half_of_flowgpt_is_a_mistake(given, missing):
    with pytest.raises(ConfigError) as refused:
        load({given: "x"})
    assert str(refused.value) == (
        f"environment: {missing}: is not set; FLOWGPT_BEARER_TOKEN and FLOWGPT_DEVICE_ID go together"
    )


def test_openai_by_its_variables():
    assert providers(OPENAI_API_KEY="a") == {
        "openai": ProviderSettings("openai", "openai", tokens="secret://OPENAI_API_KEY")
    }
    assert providers(OPENAI_API_KEY="a", OPENAI_BASE_URL="http://gpu.lan/v1")["openai"].table == {
        "base_url": "http://gpu.lan/v1"
    }


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "UPSTREAM_ORIGIN"])
def test_half_of_an_address_may_be_meant_for_another_program(name):
    assert [*providers(**{name: "http://localhost:8000/v1"})] == ["demo"]


def test_the_token_stream_by_its_variables():
    assert providers(UPSTREAM_URL="https://a.example/chat", UPSTREAM_ORIGIN="https://a.example") == {
        "gptanon": ProviderSettings(
            "gptanon", "gptanon", table={"url": "https://a.example/chat", "origin": "https://a.example"}
        )
    }


def test_several_forerunners_together():
    assert [*providers(PUTER_AUTH_TOKENS="a", OPENAI_API_KEY="b", UPSTREAM_URL="https://c")] == [
        "puter",
        "openai",
        "gptanon",
    ]


def test_a_variable_set_to_nothing_is_not_set():
    assert [*providers(PUTER_AUTH_TOKENS=" ", OPENAI_API_KEY="")] == ["demo"]


def test_request_timeout_by_both_names():
    assert load({}).gateway.total_timeout == 290.0
    assert load({"API_REQUEST_TIMEOUT": "180"}).gateway.total_timeout == 180.0
    assert load({"API_REQUEST_TIMEOUT": "180", "REQUEST_TIMEOUT": "60.5"}).gateway.total_timeout == 60.5


@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_a_timeout_that_is_none(value):
    with pytest.raises(ConfigError) as refused:
        load({"API_REQUEST_TIMEOUT": value})
    assert str(refused.value) == "environment: API_REQUEST_TIMEOUT: must be a number of seconds"


@pytest.mark.parametrize("file", [True, False])
def test_store_urls_always_come_from_the_environment(file):
    if file:
        write(named("x"))
    settings = load({"SECRETS_URL": "ssm:///any2api/", "STATE_URL": "rediss://db"})
    assert (settings.secrets_url, settings.state_url) == ("ssm:///any2api/", "rediss://db")


@pytest.mark.parametrize(("name", "example"), [("SECRETS_URL", "env://"), ("STATE_URL", "memory://")])
def test_a_store_url_must_be_one_and_is_not_repeated(name, example):
    write(named("x"))
    with pytest.raises(ConfigError) as refused:
        load({name: "sk-canary-4f9a0c7b21d84e6f"})
    assert str(refused.value) == f"environment: {name}: must be a URL such as {example}"


def test_the_values_of_secrets_stay_out_of_the_settings():
    canary = "canary-4f9a0c7b21d84e6f"
    names = ("PUTER_AUTH_TOKENS", "FLOWGPT_BEARER_TOKEN", "FLOWGPT_DEVICE_ID", "OPENAI_API_KEY", "API_MASTER_KEY")
    settings = load(dict.fromkeys(names, canary))
    assert [*settings.providers] == ["puter", "openai", "flowgpt"]
    shown = [repr(settings), *(repr(provider.table) for provider in settings.providers.values())]
    assert not any(canary in text for text in shown)


# Where a mistake stands

FILE = """\
# any2api
[gateway]
idle_timeout = 60

[providers.edge]
kind = "declared"
request.headers = { origin = "https://edge.example", x-count = 1 }

[providers.edge.request.body]
stop = [
  "one",
  "two",
]
note = \"\"\"
[providers.edge]
url = "in a string"
\"\"\"

[providers.late]
kind = "openai"

[models]
"gpt-4.1" = "edge/m"
"gpt-4" = [
  "edge/n",
  "late/n",
]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("gateway", 2),
        ("gateway.idle_timeout", 3),
        ("providers.edge.kind", 6),
        ("providers.edge.url", 5),
        ("providers.edge.request.headers.x-count", 7),
        ("providers.edge.request.body.stop", 10),
        ("providers.edge.request.body.note", 14),
        ("providers.late.base_url", 19),
        ("models.gpt-4.1", 23),
        ("models.gpt-4", 24),
        ("providers.none", 5),
        ("elsewhere", None),
    ],
)
def test_the_line_of_a_setting(path, line):
    assert line_of(FILE, path) == line


def test_the_line_of_a_setting_among_arrays_of_tables():
    text = "[[a.steps]]\nx = 1\n[[a.steps]]\nx = 1\ny = [\n  { z = 1 }]\n"
    assert [line_of(text, f"a.steps.{path}") for path in ("0.x", "1.x", "1", "1.y.0.z", "0.w", "7.x")] == [
        2,
        4,
        3,
        5,
        1,
        1,
    ]


def test_a_wrong_value_is_told_with_file_and_line():
    assert refusal('[providers.x]\nkind = "demo"\n\n[gateway]\nkeys = "secret://K"\nidle_timeout = "1"\n') == (
        "any2api.toml:6: gateway.idle_timeout: must be a number, not '1'"
    )


def test_a_missing_value_is_told_with_the_line_of_its_table():
    assert refusal('[gateway]\n\n[providers.x]\ntokens = "secret://K"\n') == (
        "any2api.toml:3: providers.x.kind: is missing"
    )


def test_a_wrong_route_is_told_with_its_line():
    assert refusal('providers.x.kind = "demo"\n[models]\na = "x/a"\n"b.c" = ["x/b",\n  "y/b"]\n') == (
        'any2api.toml:4: models.b.c: "y/b" is not provider/model with one of these providers: x'
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[gateway]\nidle_timeout = = 3\n", "any2api.toml:2: Invalid value"),
        ("[gateway]\n\nkeys = [\n", "any2api.toml:3: Invalid value"),
        ("a = 1\n\na = 2\n", "any2api.toml:3: Cannot overwrite a value"),
    ],
)
def test_broken_toml_is_told_with_file_and_line(text, problem):
    assert refusal(text) == problem


def test_bytes_that_are_no_text_are_told_with_their_line(directory):
    (directory / "any2api.toml").write_bytes(b"# ok\n# \xff\n")
    with pytest.raises(ConfigError) as refused:
        load({})
    assert str(refused.value) == "any2api.toml:2: is not UTF-8"


def test_a_mistake_found_later_gets_its_place():
    source = write('[providers.x]\nkind = "demo"\nurl = "x"\n')
    error = located(ConfigError("is no URL", path="providers.x.url"), source)
    assert str(error) == "any2api.toml:3: providers.x.url: is no URL"
    assert located(error, "other") is error
    assert str(located(ConfigError("is no URL", path="p.url"), "environment")) == "environment: p.url: is no URL"
    assert str(located(ConfigError("is no URL", path="STATE_URL"), source)) == "environment: STATE_URL: is no URL"


# Secrets in the wrong place

RANDOM = "Zq3vN8xL0pTr5WcYb2Kd"
KNOWN = [
    "sk-proj-abcdefghijkl0mnop",
    "sk-ant-api03-AbCdEfGhIjKl",
    "Bearer sk-or-v1-0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ghp_0123456789abcdefghij",
    "AIzaSyD0123456789abcdefg",
    "-----BEGIN RSA PRIVATE KEY-----",
    "https://me:hunter2@example.com/v1",
    "https://example.com/v1?api_key=0123456789",
]


@pytest.mark.parametrize("value", KNOWN)
def test_a_secret_of_a_known_form_is_refused_wherever_it_stands(value):
    for key in ("note", "models.fast"):
        message = refusal(f'[providers.x]\nkind = "demo"\n{key} = "{value}"\n')
        assert message.startswith(f"any2api.toml:3: providers.x.{key}: looks like a secret")
        assert "secret://NAME" in message
        assert value not in message


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (f'auth_token = "{RANDOM}"', "auth_token"),
        ('api_key = "correct horse"', "api_key"),
        ('headers = { Authorization = "Bearer hunter22" }', "headers.Authorization"),
        ('headers.cookie = "session=hunter22"', "headers.cookie"),
        (f'request.headers.x-goog-key = "{RANDOM}"', "request.headers.x-goog-key"),
        (f'client_secrets = ["short", "{RANDOM}"]', "client_secrets"),
        (f'credentials = {{ inner = "a={RANDOM};" }}', "credentials.inner"),
    ],
)
def test_a_random_string_under_the_name_of_a_secret_is_refused(line, path):
    message = refusal(f'[providers.x]\nkind = "demo"\n{line}\n')
    assert message.startswith(f"any2api.toml:3: providers.x.{path}: looks like a secret")
    assert RANDOM not in message
    assert "hunter22" not in message


@pytest.mark.parametrize(
    "line",
    [
        'tokens = "secret://MY_TOKENS_2026_PRODUCTION"',
        'device_id = "secret://DEVICE"',
        'headers = { Authorization = "Bearer secret://HEADER" }',
        'response.usage.completion_tokens = "usage.output_tokens"',
        'response.usage.prompt_tokens = "number_of_tokens_going_in"',
        'token_url = "https://auth.example.com/oauth2/v1/access"',
        'models = ["deepseek-r1-0528-qwen3-8b", "o1-2024-12-17"]',
        'models = { key-token = "meta-llama-3-1-405b-instruct" }',
        'base_url = "https://risk-management-2024-example.com/v1?version=20240101"',
    ],
)
def test_what_is_no_secret_passes(line):
    assert isinstance(load({}, write(f'[providers.x]\nkind = "demo"\n{line}\n')), Settings)


def test_a_provider_may_be_called_after_keys():
    assert isinstance(
        load({}, write('[providers.keys-and-tokens]\nkind = "demo"\nnote = "abcdefghijkl-mnop-2024"\n')), Settings
    )


@pytest.mark.parametrize("value", ["secret://", "Bearer secret:// ", "secret://A secret://-"])
def test_a_secret_needs_a_name(value):
    assert refusal(f'[providers.x]\nkind = "demo"\nheaders.h = "{value}"\n') == (
        "any2api.toml:3: providers.x.headers.h: names no secret; write secret://NAME"
    )


def test_a_name_beside_a_secret_hides_nothing():
    message = refusal(f'[providers.x]\nkind = "demo"\nheaders.cookie = "a=secret://A; b={RANDOM}"\n')
    assert message.startswith("any2api.toml:3: providers.x.headers.cookie: looks like a secret")


# Keys of callers


@pytest.mark.parametrize("key", ["1", "test", "sk-1234", "bedrock", "", "a" * 40, "abcabcabcabcabcabcabcabc", "x" * 23])
def test_weak_keys(key):
    assert is_weak(key)


@pytest.mark.parametrize("key", ["sk-any2api-" + RANDOM, "abcdefghijklmnopqrstuvwx"])
def test_keys_that_will_do(key):
    assert not is_weak(key)
