"""Everything in items.toml is proved by a test that says so, with every kind of upstream that can show it.

A test says so at the beginning of its docstring: "Item 3." or "Items 52 to 59 and 64: because …".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.claims import claimed, claims
from tests.conformance.kinds import KINDS

HERE = Path(__file__).parent
LAST = 153
CLIENTS = (
    "test_aisdk",
    "test_anthropic_python",
    "test_langchain",
    "test_openai_node",
    "test_openai_python",
    "test_openai_python_responses",
)


def items() -> dict[int, dict[str, Any]]:
    groups = tomllib.loads((HERE / "items.toml").read_text("utf-8")).values()
    return {int(number): item for group in groups for number, item in group.items()}


def kinds_for(item: Mapping[str, Any]) -> set[str]:
    """The kinds of upstream that an item must be proved with."""
    return {"openai"} if item.get("once") else set(item.get("with", KINDS))


def test_the_list_is_whole() -> None:
    assert sorted(items()) == list(range(1, LAST + 1))
    for number, item in items().items():
        assert set(item) <= {"says", "once", "with", "why"}, number
        assert ("with" in item) == ("why" in item), number
        assert kinds_for(item) <= set(KINDS), number


def test_every_item_is_proved_with_every_kind_that_can_show_it() -> None:
    proved = {(item, kind) for claim in claims() for item in claim.items for kind in claim.kinds}
    wanted = {(number, kind) for number, item in items().items() for kind in kinds_for(item)}

    assert sorted(wanted - proved) == []


def test_no_test_claims_what_is_not_on_the_list() -> None:
    assert [claim.test for claim in claims() if claim.items - set(items())] == []


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_is_used_with_every_kind(client: str) -> None:
    used = [claim.kinds for claim in claims() if claim.test.startswith(f"{client}::")]

    assert frozenset().union(*used) == set(KINDS)


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        ("Item 3.", [3]),
        ("Item 63: what was said has arrived.", [63]),
        ("Items 52 to 54, 60 and 64: so.", [52, 53, 54, 60, 64]),
        ("Items 101, 102 and 104, in order.", [101, 102, 104]),
        ("Item 77, streamed.", [77]),
        ("FAULTS 37: in no field. Item 3.", []),
        (None, []),
    ],
)
def test_how_a_claim_is_read(docstring: str | None, found: list[int]) -> None:
    assert claimed(docstring) == found
