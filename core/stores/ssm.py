"""`ssm:///prefix/`: secrets are SecureString parameters of AWS Systems Manager, `/prefix/NAME` each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from core.chat.errors import ConfigError, InvalidRequest
from core.wire.aws import AwsService
from core.wire.client import HttpClient

NAMES_PER_CALL = 10
LONGEST_VALUE = 4096


class Secrets:
    """Asks for all names in one call (for each ten of them). A name that does not exist is left out."""

    def __init__(self, url: str, environment: Mapping[str, str], http: HttpClient) -> None:
        self.prefix = "/" + url.removeprefix("ssm://").strip("/") + "/"
        if self.prefix == "//":
            raise ConfigError("needs a prefix: ssm:///any2api/", path="SECRETS_URL", source="environment")
        self._ssm = AwsService("ssm", "AmazonSSM", environment, http)

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        paths = [self.prefix + name for name in names]
        calls = [paths[start : start + NAMES_PER_CALL] for start in range(0, len(paths), NAMES_PER_CALL)]
        answers = await asyncio.gather(
            *(self._ssm.call("GetParameters", {"Names": call, "WithDecryption": True}) for call in calls)
        )
        found = {entry["Name"]: entry["Value"].strip() for answer in answers for entry in answer["Parameters"]}
        return {path.removeprefix(self.prefix): value for path, value in found.items() if value}

    async def store(self, name: str, value: str) -> None:
        """Write a secret, new or changed."""
        if len(value) > LONGEST_VALUE:
            raise InvalidRequest(f"SSM takes up to {LONGEST_VALUE} characters; secretsmanager:// takes more.")
        arguments = {"Name": self.prefix + name, "Value": value, "Type": "SecureString", "Overwrite": True}
        await self._ssm.call("PutParameter", arguments)

    async def names(self) -> Sequence[str]:
        """The names of all secrets that are there."""
        page = await self._page()
        entries = page["Parameters"]
        while following := page.get("NextToken"):
            page = await self._page(NextToken=following)
            entries += page["Parameters"]
        return sorted(entry["Name"].removeprefix(self.prefix) for entry in entries)

    async def _page(self, **position: str) -> dict[str, Any]:
        return dict(await self._ssm.call("GetParametersByPath", {"Path": self.prefix, **position}))
