"""What is left on a Puter account."""

import json
from typing import Any

import pytest

from core.chat.errors import UpstreamBadResponse, UpstreamError
from core.chat.ports import NO_TOKEN, Credit, CreditProvider
from tests.support.puter import TOKEN, answering, captures, connected, saying

CAPTURES = captures()


async def test_the_captured_answer() -> None:
    async with connected(answering(CAPTURES["90_metering_usage"])) as (backend, provider):
        assert isinstance(provider, CreditProvider)
        assert await provider.credit(TOKEN) == Credit(44.99965, 45.0, "USD")
    [seen] = backend.seen
    assert (seen.method, seen.path) == ("GET", "/metering/usage")
    assert seen.headers["authorization"] == f"Bearer {TOKEN.secret}"


async def test_a_free_account() -> None:
    body = json.dumps({"allowanceInfo": {"remaining": 0, "monthUsageAllowance": 25000000}})
    async with connected(saying(body)) as (_, provider):
        assert await provider.credit(TOKEN) == Credit(0.0, 0.25)


async def test_the_allowance_may_be_unknown() -> None:
    async with connected(saying('{"allowanceInfo":{"remaining":1e8,"monthUsageAllowance":null}}')) as (_, provider):
        assert await provider.credit(TOKEN) == Credit(1.0, None)


@pytest.mark.parametrize("said", [[], {}, {"allowanceInfo": 7}, {"allowanceInfo": {"remaining": "1"}}])
async def test_an_answer_that_does_not_tell(said: Any) -> None:
    async with connected(saying(json.dumps(said))) as (_, provider):
        with pytest.raises(UpstreamBadResponse):
            await provider.credit(TOKEN)


async def test_nobody_has_no_credit() -> None:
    async with connected(answering(CAPTURES["34_err_no_token"])) as (backend, provider):
        with pytest.raises(UpstreamError) as raised:
            await provider.credit(NO_TOKEN)
    assert raised.value.code == "upstream_credentials_unavailable"
    assert "authorization" not in backend.seen[0].headers
