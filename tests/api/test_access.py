"""Where a key may stand."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from core.api.shared.access import presented_key
from core.chat.errors import InvalidKey


def request(*headers: tuple[str, str], query: str = "") -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Request({"type": "http", "method": "GET", "headers": raw, "query_string": query.encode()})


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([("Authorization", "Bearer KEY")], "KEY"),
        ([("Authorization", "bEARER   KEY ")], "KEY"),
        ([("Authorization", "Bearer two words")], "two words"),
        ([("x-api-key", "KEY")], "KEY"),
        ([("api-key", "KEY")], "KEY"),
        ([("Authorization", "Bearer KEY"), ("x-api-key", "OTHER")], "KEY"),
        ([("Authorization", "Basic xyz"), ("x-api-key", "KEY")], "KEY"),
        ([("Authorization", "Bearer"), ("api-key", "KEY")], "KEY"),
        ([], None),
        ([("Authorization", "KEY")], None),
        ([("Authorization", "Basic KEY")], None),
        ([("Authorization", "Bearer ")], None),
        ([("Authorization", "")], None),
        ([("Cookie", "key=KEY")], None),
        ([("Authorization", "Bearer KEY"), ("Authorization", "Bearer KEY")], None),
        ([("x-api-key", "KEY"), ("x-api-key", "OTHER")], None),
    ],
)
def test_a_key_is_found_in_three_headers_only(headers: list[tuple[str, str]], key: str | None) -> None:
    assert presented_key(request(*headers)) == key


@pytest.mark.parametrize("name", ["key", "api_key", "api-key", "access_token", "token"])
def test_a_key_in_the_url_alone_gets_a_hint(name: str) -> None:
    with pytest.raises(InvalidKey, match="does not belong in a URL") as refused:
        presented_key(request(query=f"{name}=KEY"))

    assert (refused.value.status, "KEY" in refused.value.message.replace("Bearer KEY", "")) == (401, False)


def test_a_url_does_not_spoil_a_key_in_its_place() -> None:
    assert presented_key(request(("Authorization", "Bearer KEY"), query="key=OTHER")) == "KEY"
