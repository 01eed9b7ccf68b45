"""docs/configuration.md has a heading for every setting and variable, and the example is in order."""

import dataclasses
import pkgutil
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from core import config, providers
from core.chat.errors import ConfigError
from core.chat.options import Options
from core.chat.settings import GatewaySettings, ProviderSettings, Settings, read_settings
from core.cli import main
from core.wire.client import HttpClient
from handlers.public import TIME_LIMIT

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "any2api.example.toml"
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
KINDS = sorted(module.name for module in pkgutil.iter_modules(providers.__path__))
MODELS_REQUEST = {"url": "http://x", "list": "models", "id": "id"}
NEEDED = {
    "flowgpt": {"device_id": "x"},
    "declared": {"preset": "openai-sse", "url": "http://x", "models_request": MODELS_REQUEST},
}


def headings() -> list[tuple[str, ...]]:
    """Every heading, below those above it; the title of the whole page is left out."""
    found: list[tuple[str, ...]] = []
    above: list[str] = []
    text = re.sub(
        r"^```.*?^```", "", (ROOT / "docs" / "configuration.md").read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for marks, title in HEADING.findall(text):
        above = [*above[: len(marks) - 1], title.replace("`", "")]
        found.append(tuple(above[1:]))
    return found[1:]


def below(*above: str) -> set[str]:
    return {heading[-1] for heading in headings() if heading[:-1] == above}


def test_every_setting_of_the_gateway_has_its_heading():
    fields = {field.name for field in dataclasses.fields(GatewaySettings)}
    assert below("[gateway]") == fields - {"max_body_bytes"} | {"max_body_mb"}


def test_every_setting_of_a_provider_has_its_heading():
    fields = {field.name for field in dataclasses.fields(ProviderSettings)}
    assert below("[providers.NAME]") == fields - {"name", "table"} | {"Settings of every kind"}


def test_every_table_has_its_heading():
    assert {"[gateway]", "[providers.NAME]", "[models]"} <= below()
    variables = {"secrets_url", "state_url"}
    assert {field.name for field in dataclasses.fields(Settings)} == {
        "gateway",
        "providers",
        "models",
        "source",
    } | variables
    assert {name.upper() for name in variables} <= below("Environment")


def test_every_variable_has_its_heading():
    read = set(re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]+)"', Path(config.__file__).read_text("utf-8")))
    assert read | {"API_MASTER_KEY", TIME_LIMIT} == below("Environment") | below("Without a file")


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_a_kind_has_its_heading(kind):
    table = {**NEEDED.get(kind, {}), "nonesuch": 1}
    with pytest.raises(ConfigError, match="nonesuch") as refused:
        import_module(f"core.providers.{kind}").Provider(Options("x", table), HttpClient())
    known = set(refused.value.message.partition("there are: ")[2].removesuffix(")").split(", "))
    of_every_kind = below("[providers.NAME]", "Settings of every kind")
    assert known - of_every_kind == below("Kinds of providers", kind)


def test_every_kind_has_its_heading():
    assert below("Kinds of providers") == set(KINDS)


def test_the_example_is_in_order(capsys, monkeypatch):
    document = tomllib.loads(EXAMPLE.read_text("utf-8"))
    for kind in KINDS:
        assert kind in {provider["kind"] for provider in document["providers"].values()}
    secrets = set(re.findall(r'"secret://(\w+)"', EXAMPLE.read_text("utf-8")))
    for name in secrets:
        monkeypatch.setenv(name, "0123456789abcdef01234567")
    assert main(["check", "--config", str(EXAMPLE)]) == 0
    assert capsys.readouterr().err == ""


def test_the_example_shows_the_defaults_of_the_gateway():
    document = tomllib.loads(EXAMPLE.read_text("utf-8"))
    assert document["gateway"].keys() == below("[gateway]")
    assert read_settings(document).gateway == GatewaySettings()
