"""Calls to Google's REST APIs: where they are, as whom, and what they answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from core.chat.errors import ChatError, Unavailable
from core.chat.requests import Json
from core.wire.addresses import permitted_addresses
from core.wire.client import HttpClient
from core.wire.transport import Transport

METADATA_HOST: Final = "metadata.google.internal"
_TOKEN_PATH: Final = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105  # a path, no token
_EARLY = 60.0
"""Seconds before its end at which a token is replaced."""

_REMEDIES: Final[Mapping[str, str]] = {
    "UNAUTHENTICATED": "; the access token has expired or is wrong, so sign in again",
    "PERMISSION_DENIED": "; enable the API, and grant the role it takes to the account that asks",
}


class GoogleApi:
    """One API, asked as the service account that the function runs as.

    `CLOUDSDK_API_ENDPOINT_OVERRIDES_<API>` names another address, as for gcloud.
    """

    def __init__(self, api: str, environment: Mapping[str, str], http: HttpClient) -> None:
        self._api = api
        override = environment.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}")
        self._endpoint = (override or f"https://{api}.googleapis.com").rstrip("/")
        self._http = http
        self._token = AccessToken(environment)

    async def call(self, method: str, path: str, body: Json = None) -> Json:
        """The answer to one request. Raises `Refused` where Google says no, `Unavailable` where it does not answer."""
        headers = {"Authorization": f"Bearer {await self._token.value()}"}
        try:
            async with self._http.request(method, self._endpoint + path, headers=headers, json=body) as answer:
                text = await answer.read()
                status = answer.status
        except ChatError as error:
            raise Unavailable(f"Google's {self._api} does not answer at {urlsplit(self._endpoint).netloc}.") from error
        return _result(status, text, self._api)


class AccessToken:
    """Whoever holds it acts as the service account. It is asked for when first needed, and again before it ends.

    `GCE_METADATA_HOST` names another metadata server, as for Google's own libraries. Where there is none at all, as on
    a laptop, `CLOUDSDK_AUTH_ACCESS_TOKEN` holds a token, as for gcloud.
    """

    def __init__(self, environment: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._given = environment.get("CLOUDSDK_AUTH_ACCESS_TOKEN", "")
        self._host = environment.get("GCE_METADATA_HOST") or METADATA_HOST
        self._clock = clock
        self._http = HttpClient(Transport(addresses=partial(permitted_addresses, link_local=True)))
        self._token = ""
        self._ends = float("-inf")
        self._lock = asyncio.Lock()

    async def value(self) -> str:
        """Raises `Unavailable` where there is nobody to ask for it."""
        if self._given:
            return self._given
        async with self._lock:
            if self._clock() >= self._ends - _EARLY:
                self._token, lifetime = await self._ask()
                self._ends = self._clock() + lifetime
        return self._token

    async def _ask(self) -> tuple[str, float]:
        """A token, and for how many seconds it is good."""
        headers = {"Metadata-Flavor": "Google", "Connection": "close"}
        try:
            async with self._http.request("GET", f"http://{self._host}{_TOKEN_PATH}", headers=headers) as answer:
                text = await answer.read()
        except ChatError as error:
            raise Unavailable(
                "There are no Google credentials: outside of Google, sign in with `gcloud auth login`, "
                'or export CLOUDSDK_AUTH_ACCESS_TOKEN="$(gcloud auth print-access-token)"'
            ) from error
        try:
            granted = json.loads(text)
            return str(granted["access_token"]), float(granted["expires_in"])
        except (LookupError, TypeError, ValueError):
            raise Unavailable(f"Google's metadata server gave no access token, but HTTP {answer.status}.") from None


class Refused(Unavailable):
    """Google answered with an error; `kind` is its name for it, such as PERMISSION_DENIED.

    Google's own text is not repeated: it names projects and accounts.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _result(status: int, text: bytes, api: str) -> Json:
    try:
        value = json.loads(text or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Unavailable(f"What answered with HTTP {status} is not Google's {api}.")
    if status == 200:
        return value
    error = value.get("error")
    kind = (error.get("status") if isinstance(error, dict) else None) or f"HTTP {status}"
    raise Refused(kind, f"Google's {api} refused: {kind}{_REMEDIES.get(kind, '')}.")
