"""What the reports say of providers that no upstream needs to play."""

from __future__ import annotations

from core.chat.errors import UpstreamError
from core.chat.ports import Credit, Token
from core.cockpit import reports
from tests.support.road import Road, Scripted


class Account(Scripted):
    """A provider that knows what is left of each token."""

    def __init__(self, left: dict[str, Credit | Exception]) -> None:
        super().__init__()
        self._left = left

    async def credit(self, token: Token) -> Credit:
        left = self._left[token.secret]
        if isinstance(left, Exception):
            raise left
        return left


async def test_credit_is_told_for_each_token_and_one_that_fails_spoils_no_other() -> None:
    refused = UpstreamError("Refused sk-two.", code="upstream_credentials_unavailable")
    account = Account({"sk-one": Credit(0.25, 0.5), "sk-two": refused, "sk-three": KeyError("sk-three")})
    unset = Account({})
    providers = {"silent": Scripted(), "puter": account, "unset": unset}
    road = Road(providers, tokens={"puter": "sk-one,sk-two,sk-three", "unset": ""})
    assert await reports.credit(road.gateway) == [
        {"provider": "puter", "token": "puter-1", "remaining": 0.25, "allowance": 0.5, "unit": "USD"},
        {"provider": "puter", "token": "puter-2", "problem": "upstream_credentials_unavailable"},
        {"provider": "puter", "token": "puter-3", "problem": "KeyError"},
    ]
