"""What the tables of a configuration become, and what is refused."""

import tomllib

import pytest

from core.chat.errors import ConfigError
from core.chat.settings import GatewaySettings, ProviderSettings, Settings, read_settings

CANARY = "sk-canary-4f9a0c7b21d84e6f"


def read(text: str) -> Settings:
    return read_settings(tomllib.loads(text))


PUBLIC_URL = "must be an address like https://ai.example.com, without the /v1 of the API"


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read(text)
    return str(refused.value)


def test_a_whole_file():
    settings = read("""
        [gateway]
        keys = "secret://MY_KEYS"
        cors_origins = ["https://chat.example.com", "tauri://localhost", "null"]
        first_event_timeout = 20
        commit_after = 0
        idle_timeout = 45.5
        total_timeout = 120
        max_body_mb = 0.5
        models_ttl = 5
        secrets_ttl = 0
        private_addresses = true
        public_url = "https://ai.example.com/some/where/"

        [providers.deep-seek_2]
        kind = "openai"
        base_url = "https://api.example.com/v1"
        tokens = "secret://DEEPSEEK.KEYS-1"
        models = ["deepseek-chat", "claude-*"]
        headers = { x-device = "secret://DEVICE" }

        [models]
        "gpt-4.1" = ["deep-seek_2/deepseek-chat", "deep-seek_2/org/other"]
        one = "deep-seek_2/x"
    """)
    assert settings == Settings(
        gateway=GatewaySettings(
            keys="secret://MY_KEYS",
            cors_origins=("https://chat.example.com", "tauri://localhost", "null"),
            first_event_timeout=20.0,
            commit_after=0.0,
            idle_timeout=45.5,
            total_timeout=120.0,
            max_body_bytes=512 * 1024,
            models_ttl=5.0,
            secrets_ttl=0.0,
            private_addresses=True,
            public_url="https://ai.example.com/some/where",
        ),
        providers={
            "deep-seek_2": ProviderSettings(
                name="deep-seek_2",
                kind="openai",
                tokens="secret://DEEPSEEK.KEYS-1",
                models={"deepseek-chat": "deepseek-chat", "claude-*": "claude-*"},
                table={"base_url": "https://api.example.com/v1", "headers": {"x-device": "secret://DEVICE"}},
            )
        },
        models={"gpt-4.1": ("deep-seek_2/deepseek-chat", "deep-seek_2/org/other"), "one": ("deep-seek_2/x",)},
    )


def test_the_least_file_has_the_documented_defaults():
    settings = read('providers.demo.kind = "demo"')
    assert settings.gateway == GatewaySettings(
        keys="secret://API_MASTER_KEY",
        cors_origins=("*",),
        first_event_timeout=30.0,
        commit_after=8.0,
        idle_timeout=60.0,
        total_timeout=290.0,
        max_body_bytes=4 * 1024 * 1024,
        models_ttl=600.0,
        secrets_ttl=60.0,
        private_addresses=False,
        public_url="",
    )
    assert settings.providers == {"demo": ProviderSettings("demo", "demo", None, "discover", {})}
    assert settings.models == {}
    assert (settings.secrets_url, settings.state_url) == ("env://", "memory://")


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ('models = "discover"', "discover"),
        ('models = ["a", "b"]', {"a": "a", "b": "b"}),
        (
            'models = { fast = "org/model-7b", "claude-*" = "claude-*" }',
            {"fast": "org/model-7b", "claude-*": "claude-*"},
        ),
    ],
)
def test_models_are_asked_for_listed_or_renamed(models, expected):
    assert read(f'[providers.p]\nkind = "openai"\n{models}').providers["p"].models == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[provider.x]", "provider: is not a setting of this file (there are: gateway, models, providers)"),
        ("", 'providers: are missing; for a first try: [providers.demo] with kind = "demo"'),
        ("providers = 3", "providers: must be a table, not 3"),
        ("[providers.x]", "providers.x.kind: is missing"),
        ('[providers.x]\nkind = "../app"', "providers.x.kind: must be the name of a kind, such as openai or declared"),
        (
            '[providers."x/y"]\nkind = "demo"',
            "providers.x/y: a provider's name has letters, digits, - and _ only",
        ),
    ],
)
def test_tables_that_are_refused(text, problem):
    assert refusal(text) == problem


def test_a_misspelt_setting_is_told_with_those_there_are():
    assert refusal('gateway.idle_timout = 1\nproviders.demo.kind = "demo"') == (
        "gateway.idle_timout: is not a setting of gateway (there are: commit_after, cors_origins, "
        "first_event_timeout, idle_timeout, keys, max_body_mb, models_ttl, private_addresses, "
        "public_url, secrets_ttl, total_timeout)"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('total_timeout = "290s"', "gateway.total_timeout: must be a number, not '290s'"),
        ("total_timeout = 0", "gateway.total_timeout: must be at least 0.01"),
        ("first_event_timeout = true", "gateway.first_event_timeout: must be a number, not True"),
        ("idle_timeout = nan", "gateway.idle_timeout: must be at least 0.01"),
        ("idle_timeout = inf", "gateway.idle_timeout: must be at least 0.01"),
        ("commit_after = -1", "gateway.commit_after: must be at least 0"),
        ("max_body_mb = 0", "gateway.max_body_mb: must be at least 0.001"),
        ("models_ttl = -0.1", "gateway.models_ttl: must be at least 0"),
        ("private_addresses = 1", "gateway.private_addresses: must be true or false, not 1"),
        *((f'public_url = "{url}"', f"gateway.public_url: {PUBLIC_URL}")
          for url in ("ai.example.com", "ftp://x", "https://", "https://x?a=1", "https://x/#a", "https://u:p@x",
                      "https://x/v1", "https://x/v1/")),
        ("secrets_ttl = -0.1", "gateway.secrets_ttl: must be at least 0"),
        ("cors_origins = [1]", "gateway.cors_origins: must be a list of strings"),
        ('cors_origins = ["example.com"]',
         """gateway.cors_origins: must be "*" or origins like https://chat.example.com, not 'example.com'"""),
    ],
)  # fmt: skip
def test_gateway_settings_that_are_refused(line, problem):
    assert refusal(f'[gateway]\n{line}\n[providers.demo]\nkind = "demo"') == problem


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        ('"all"', 'providers.x.models: must be "discover", a list of ids, or a table of alias = "upstream id"'),
        ("[]", 'providers.x.models: names no model; leave it out, or write "discover", to ask the upstream'),
        ("[1]", "providers.x.models: must be a list of strings"),
        ("{ a = 1 }", "providers.x.models.a: must be the upstream's id, a string"),
        ('{ a = "" }', "providers.x.models.a: must be the upstream's id, a string"),
        (
            '{ "gpt-*" = "openai/gpt-*" }',
            "providers.x.models.gpt-*: a pattern passes ids through as they are; it cannot rename them",
        ),
    ],
)
def test_models_of_a_provider_that_are_refused(models, problem):
    assert refusal(f'[providers.x]\nkind = "demo"\nmodels = {models}') == problem


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ('"other/m"', 'models.gpt-4.1: "other/m" is not provider/model with one of these providers: x, y'),
        ('["x/m", "x/"]', 'models.gpt-4.1: "x/" is not provider/model with one of these providers: x, y'),
        ('"m"', 'models.gpt-4.1: "m" is not provider/model with one of these providers: x, y'),
        ("[]", 'models.gpt-4.1: names no route; write ["provider/model"]'),
        ("[{}]", "models.gpt-4.1: must be a list of strings"),
        ('"x/gpt-*"', "models.gpt-4.1: a pattern belongs into the models of a provider"),
    ],
)
def test_routes_that_are_refused(routes, problem):
    assert refusal(f'[providers]\nx.kind = "demo"\ny.kind = "demo"\n[models]\n"gpt-4.1" = {routes}') == problem


@pytest.mark.parametrize(
    "value", [f'"{CANARY}"', f'["{CANARY}"]', '"secret://"', '"secret://../x"', f'"secret://{CANARY} x"']
)
@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("gateway.keys", '[gateway]\nkeys = {}\n[providers.x]\nkind = "demo"'),
        ("providers.x.tokens", '[providers.x]\nkind = "demo"\ntokens = {}'),
    ],
)
def test_a_secret_itself_is_refused_and_not_repeated(path, template, value):
    message = refusal(template.format(value))
    assert message.startswith(f"{path}: a secret does not belong in this file; write one secret://NAME here")
    assert CANARY not in message


def test_passwords_in_settings_are_not_shown():
    settings = read_settings(
        {"providers": {"x": {"kind": "demo", "base_url": f"https://me:{CANARY}@example.com"}}},
        secrets_url=f"file:///{CANARY}",
        state_url=f"redis://:{CANARY}@db",
    )
    assert CANARY not in repr(settings)
    assert settings.state_url == f"redis://:{CANARY}@db"


def test_choices_between_models():
    settings = read("""
        [providers.x]
        kind = "demo"
        emulate_tools = ["llama3*", "phi"]
        reasoning_in_content = true
        split_think_tags = false
    """)
    assert settings.providers["x"] == ProviderSettings(
        "x",
        "demo",
        emulate_tools=("llama3*", "phi"),
        reasoning_in_content=True,
        split_think_tags=False,
    )


@pytest.mark.parametrize("value", ['"llama3"', "1", "[]", "[1]", '[""]', "{}"])
@pytest.mark.parametrize("key", ["emulate_tools", "reasoning_in_content", "split_think_tags"])
def test_a_choice_that_is_none(key, value):
    said = refusal(f'[providers.x]\nkind = "demo"\n{key} = {value}')
    assert said.startswith(f"providers.x.{key}: must be true, false, or a list of models")
