"""What is left on a Puter account this month."""

from __future__ import annotations

from core.chat.errors import UpstreamBadResponse
from core.chat.ports import Credit
from core.chat.requests import Json
from core.dialects.answers import json_body
from core.providers.puter.driver import Account, check

MICROCENTS = 1e8
"""To the dollar."""


async def left(account: Account) -> Credit:
    async with account.http.request("GET", f"{account.base_url}/metering/usage", headers=account.headers) as answer:
        await check(answer)
        usage = await json_body(answer)
    allowance = usage.get("allowanceInfo") if isinstance(usage, dict) else None
    remaining, monthly = (_dollars(allowance, name) for name in ("remaining", "monthUsageAllowance"))
    if remaining is None:
        raise UpstreamBadResponse("The upstream does not tell what is left.")
    return Credit(remaining, monthly, "USD")


def _dollars(allowance: Json, name: str) -> float | None:
    amount = allowance.get(name) if isinstance(allowance, dict) else None
    return amount / MICROCENTS if isinstance(amount, int | float) and not isinstance(amount, bool) else None
