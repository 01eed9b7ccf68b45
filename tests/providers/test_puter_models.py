"""Who serves which model: by Puter's own list, and by name as long as there is none."""

import json
from typing import Any

import pytest

from core.chat.ports import ModelInfo
from core.providers.puter.models import Catalogue, Dialect, Vendor, model_info
from tests.support.puter import captures

LISTED: list[dict[str, Any]] = json.loads(captures()["51_models_chat_details"].body)["models"]


@pytest.fixture
def catalogue() -> Catalogue:
    learned = Catalogue()
    learned.learn(LISTED)
    return learned


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("gpt-4o-mini", Vendor("openai-completion", "gpt-4o-mini")),
        ("GPT-4o-Mini ", Vendor("openai-completion", "gpt-4o-mini")),
        ("openai:openai/gpt-4o-mini", Vendor("openai-completion", "gpt-4o-mini")),
        ("gpt-5.6", Vendor("openai-responses", "gpt-5.6")),
        ("anthropic/claude-sonnet-4-5", Vendor("claude", "claude-sonnet-4-5")),
        ("ollama:ollama/llama3.2:latest", Vendor("ollama", "llama3.2:latest")),
        ("unheard-of", Vendor("", "unheard-of")),
    ],
)
def test_models_are_known_by_every_name_they_have(catalogue: Catalogue, model: str, vendor: Vendor) -> None:
    assert catalogue.vendor(model) == vendor


def test_names_tell_the_same_as_the_list() -> None:
    unlearned, learned = Catalogue(), Catalogue()
    learned.learn(LISTED)
    names = [
        name
        for entry in LISTED
        for name in [entry["id"], *(entry.get("aliases") or [])]
        if entry["provider"] != "ollama"
    ]
    assert len(names) > 100
    assert [unlearned.vendor(name) for name in names] == [learned.vendor(name) for name in names]


@pytest.mark.parametrize(
    "model",
    [
        "openrouter:anthropic/claude-3.5-sonnet",
        "openrouter/anthropic/claude-3.5-sonnet",
        "gpt-oss-120b",
        "openai/gpt-oss-20b",
        "meta-llama/claude-like",
        "olmo-3",
        "",
    ],
)
def test_a_name_that_proves_nothing_is_no_proof(model: str) -> None:
    assert Catalogue().vendor(model).name == ""


def test_a_vendor_goes_before_its_resellers_and_the_latest_list_counts() -> None:
    catalogue = Catalogue()
    reseller = {"id": "openrouter:x/m", "provider": "openrouter", "aliases": ["x/m", "m"]}
    vendor = {"id": "m", "provider": "xai", "aliases": ["x/m"]}
    catalogue.learn([reseller, vendor])
    assert catalogue.vendor("x/m").name == "xai"
    assert catalogue.vendor("openrouter:x/m").name == "openrouter"
    catalogue.learn([reseller])
    assert catalogue.vendor("m").name == "openrouter"


def test_an_entry_has_several_names() -> None:
    catalogue = Catalogue()
    catalogue.learn([{"id": "m", "provider": "x", "aliases": ["Org/M"], "puterId": "x:org/m-1"}])
    assert [catalogue.vendor(name).name for name in ("m", "org/m", "x:org/m-1")] == ["x", "x", "x"]


def test_odd_entries_are_passed_over() -> None:
    catalogue = Catalogue()
    odd = [None, "m", 7, {"id": 7, "provider": "x"}, {"id": "a"}, {"id": "b", "provider": "x", "aliases": [None, "c"]}]
    catalogue.learn(odd)
    assert [catalogue.vendor(name).name for name in ("a", "b", "c")] == ["", "x", "x"]


@pytest.mark.parametrize(
    ("entry", "info"),
    [
        ({"id": "m", "provider": "x", "context": 9, "max_tokens": 4}, ModelInfo("m", "x", 9, 4)),
        ({"id": "m", "context": "9", "max_tokens": None}, ModelInfo("m", "", 9, None)),
        ({"id": "m", "provider": None, "context": 0, "max_tokens": -1}, ModelInfo("m")),
        ({"id": ""}, None),
        ({"id": 7}, None),
        ({}, None),
        ("m", None),
    ],
)
def test_what_is_told_of_a_model(entry: Any, info: ModelInfo | None) -> None:
    assert model_info(entry) == info


@pytest.mark.parametrize(
    ("provider", "dialect"),
    [
        ("claude", Dialect.CLAUDE),
        ("openai-responses", Dialect.RESPONSES),
        ("azure-openai-responses", Dialect.RESPONSES),
        ("azure-openai", Dialect.CHAT),
        ("openrouter", Dialect.CHAT),
        ("", Dialect.CHAT),
    ],
)
def test_dialects(provider: str, dialect: Dialect) -> None:
    assert Vendor(provider, "m").dialect is dialect
