"""`secretsmanager://name`: all secrets are the fields of one JSON secret of AWS Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from core.chat.errors import ConfigError, Unavailable
from core.wire.aws import AwsService, Refused
from core.wire.client import HttpClient

_MISSING = "ResourceNotFoundException"


class Secrets:
    """One call for all names. A field that does not exist is left out, as all are before the first value is set."""

    def __init__(self, url: str, environment: Mapping[str, str], http: HttpClient) -> None:
        self.secret = url.removeprefix("secretsmanager://").strip("/")
        if not self.secret:
            raise ConfigError("needs a name: secretsmanager://any2api", path="SECRETS_URL", source="environment")
        self._manager = AwsService("secretsmanager", "secretsmanager", environment, http)

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        fields = await self._fields()
        return {name: fields[name].strip() for name in names if fields.get(name)}

    async def store(self, name: str, value: str) -> None:
        """Write a secret, new or changed; the others stay."""
        content = json.dumps({**await self._fields(), name: value}, ensure_ascii=False)
        try:
            await self._manager.call("PutSecretValue", {"SecretId": self.secret, "SecretString": content})
        except Refused as error:
            if error.kind != _MISSING:
                raise
            await self._manager.call("CreateSecret", {"Name": self.secret, "SecretString": content})

    async def names(self) -> Sequence[str]:
        """The names of all secrets that are there."""
        return sorted(await self._fields())

    async def _fields(self) -> dict[str, str]:
        try:
            answer = await self._manager.call("GetSecretValue", {"SecretId": self.secret})
        except Refused as error:
            if error.kind == _MISSING:
                return {}
            raise
        try:
            fields = json.loads(answer.get("SecretString") or "{}")
        except ValueError:
            fields = None
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise Unavailable(f"The secret {self.secret} in Secrets Manager is not a JSON object of strings.")
        return fields
