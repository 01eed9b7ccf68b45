"""docs/clients.md, and the file that it is made from."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from core.app import ROUTERS
from tests.docs.clients import TARGET, clients, document

EVERY = pytest.mark.parametrize("client", clients(), ids=[client["name"] for client in clients()])


def test_the_document_is_what_the_file_says() -> None:
    assert TARGET.read_text("utf-8") == document(), "run `make docs`"


def test_every_link_within_it_leads_to_a_heading() -> None:
    titles = re.findall(r"^## (.*)$", document(), re.MULTILINE)
    headings = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}

    assert set(re.findall(r"\(#([^)]*)\)", document())) <= headings


@EVERY
def test_a_client_has_all_that_must_be_known(client: dict[str, Any]) -> None:
    assert client.keys() <= {"name", "where", "fields", "code", "note", "path"}
    told = str(client.get("fields", "")) + client.get("code", "")
    assert "{key}" in told
    assert "{base}" in told or "{root}" in told
    for words in (client.get("where"), client.get("note")):
        assert words is None or (words.keys() == {"en", "zh"} and all(words.values()))
    served = {route.path for router in ROUTERS for route in router.routes}  # type: ignore[attr-defined]  # every route here has a path
    assert f"/{client['path']}" in served


def test_codexs_configuration_is_toml_with_the_provider_that_it_names() -> None:
    [codex] = [client["code"] for client in clients() if client["name"] == "Codex"]
    settings = tomllib.loads(codex)

    assert settings["model_providers"][settings["model_provider"]]["wire_api"] == "responses"
