"""`gcp-secret-manager://project/prefix`: secrets in Google's Secret Manager, `prefix-NAME` each.

What is not there may be in the environment, where Cloud Functions puts the secrets that are bound to a variable.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence

from core.chat.errors import ConfigError, InvalidRequest, Unavailable
from core.chat.requests import Json
from core.wire.client import HttpClient
from core.wire.google import GoogleApi, Refused

LONGEST_VALUE = 64 * 1024
_URL = re.compile(r"gcp-secret-manager://(?P<project>[a-z0-9:.-]+)(?:/(?P<prefix>[A-Za-z0-9_-]*))?/?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_DENIED = "PERMISSION_DENIED"
_ABSENT = frozenset({"NOT_FOUND", "FAILED_PRECONDITION", _DENIED})
"""Not there; its latest version is disabled or destroyed; forbidden, which is also said of what is not there."""


class Secrets:
    """Asks for the latest version of each secret, for all at once. A name that does not exist is left out."""

    def __init__(self, url: str, environment: Mapping[str, str], http: HttpClient) -> None:
        found = _URL.fullmatch(url)
        if found is None:
            raise ConfigError(
                "needs a project, and may have a prefix of letters, digits, - and _: gcp-secret-manager://project/any2api",
                path="SECRETS_URL",
                source="environment",
            )
        self._secrets = f"/v1/projects/{found['project']}/secrets"
        self.prefix = f"{found['prefix'].rstrip('-')}-" if found["prefix"] else ""
        self._environment = environment
        self._google = GoogleApi("secretmanager", environment, http)

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        answers = await asyncio.gather(*map(self._latest, names))
        values = {
            name: (answer if isinstance(answer, str) else self._environment.get(name, "")).strip()
            for name, answer in zip(names, answers, strict=True)
        }
        values = {name: value for name, value in values.items() if value}
        refusals = [answer for answer in answers if isinstance(answer, Refused) and answer.kind == _DENIED]
        if refusals and not values:  # with one of them readable, the others may simply not exist: Google says the same
            raise refusals[0]
        return values

    async def store(self, name: str, value: str) -> None:
        """Write a secret, new or changed. Its former versions stay."""
        payload = value.encode()
        if not _ID.fullmatch(self.prefix + name):
            raise InvalidRequest(f"Google takes letters, digits, - and _ in the name of a secret, which {name} is not.")
        if len(payload) > LONGEST_VALUE:
            raise InvalidRequest(f"Google takes up to {LONGEST_VALUE} bytes in a secret.")
        version: Json = {"payload": {"data": base64.b64encode(payload).decode()}}
        try:
            await self._google.call("POST", f"{self._path(name)}:addVersion", version)
        except Refused as error:
            if error.kind != "NOT_FOUND":
                raise
            await self._google.call(
                "POST", f"{self._secrets}?secretId={self.prefix}{name}", {"replication": {"automatic": {}}}
            )
            await self._google.call("POST", f"{self._path(name)}:addVersion", version)

    async def names(self) -> Sequence[str]:
        """The names of all secrets that are there."""
        page = await self._google.call("GET", f"{self._secrets}?pageSize=250")
        entries = page.get("secrets", [])
        while token := page.get("nextPageToken"):
            page = await self._google.call("GET", f"{self._secrets}?pageSize=250&pageToken={token}")
            entries += page.get("secrets", [])
        found = (entry["name"].rpartition("/")[2] for entry in entries)
        return sorted(name.removeprefix(self.prefix) for name in found if name.startswith(self.prefix))

    async def _latest(self, name: str) -> str | Refused | None:
        """The value of a secret, or why there is none."""
        if not _ID.fullmatch(self.prefix + name):
            return None
        try:
            version = await self._google.call("GET", f"{self._path(name)}/versions/latest:access")
        except Refused as error:
            if error.kind not in _ABSENT:
                raise
            return error
        try:
            return base64.b64decode(version["payload"]["data"]).decode()
        except (LookupError, TypeError, ValueError):
            raise Unavailable(f"The secret {self.prefix}{name} is not a text.") from None

    def _path(self, name: str) -> str:
        return f"{self._secrets}/{self.prefix}{name}"
