"""Calls to AWS's JSON services: where they are, as whom, and what they answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from core.chat.errors import ChatError, Unavailable
from core.chat.requests import Json
from core.wire.client import HttpClient, encode_json
from core.wire.sigv4 import Credentials, signed_headers

_IN_VARIABLES: Final[Mapping[str, str]] = {"secretsmanager": "SECRETS_MANAGER"}
"""Services that AWS spells otherwise in the names of variables than in addresses."""

_XML_ERROR = re.compile(r"<Code>(\w+)</Code>(?:\s*<Message>([^<]*)</Message>)?")
_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
_STALE = frozenset(
    {
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class AwsService:
    """One service in one region, with the environment's credentials, as every function on AWS has them.

    `AWS_ENDPOINT_URL_<SERVICE>` and `AWS_ENDPOINT_URL` name another address, as in AWS's own SDKs.
    """

    def __init__(self, service: str, target: str, environment: Mapping[str, str], http: HttpClient) -> None:
        self._service = service
        self._target = target
        self._environment = environment
        self._http = http

    async def call(self, operation: str, arguments: Json) -> Json:
        """The answer of `operation`. Raises `Refused` where AWS says no, `Unavailable` where it does not answer."""
        region = self._region()
        url = self._endpoint(region)
        body = encode_json(arguments)
        headers = signed_headers(
            url,
            body,
            target=f"{self._target}.{operation}",
            service=self._service,
            region=region,
            credentials=self._credentials(),
            now=datetime.now(UTC),
        )
        try:
            async with self._http.request("POST", url, headers=headers, content=body) as answer:
                text = await answer.read()
                status = answer.status
        except ChatError as error:
            raise Unavailable(f"AWS {self._service} does not answer at {urlsplit(url).netloc}.") from error
        return _result(status, text, self._service, operation)

    def _region(self) -> str:
        region = self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION")
        if not region:
            raise Unavailable("No AWS region is set: export AWS_REGION=eu-central-1, or whichever you use.")
        return region

    def _endpoint(self, region: str) -> str:
        named = f"AWS_ENDPOINT_URL_{_IN_VARIABLES.get(self._service, self._service.upper())}"
        given = self._environment.get(named) or self._environment.get("AWS_ENDPOINT_URL")
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return (given or f"https://{self._service}.{region}.{suffix}").rstrip("/") + "/"

    def _credentials(self) -> Credentials:
        access_key = self._environment.get("AWS_ACCESS_KEY_ID", "")
        secret_key = self._environment.get("AWS_SECRET_ACCESS_KEY", "")
        if not access_key or not secret_key:
            raise Unavailable(
                "There are no AWS credentials: run `aws configure`, "
                'or with any other kind of sign-in: eval "$(aws configure export-credentials --format env)"'
            )
        return Credentials(access_key, secret_key, self._environment.get("AWS_SESSION_TOKEN", ""))


class Refused(Unavailable):
    """AWS answered with an error; `kind` is its name for it, such as AccessDeniedException.

    AWS's own text is not repeated: it names accounts, and may quote what was sent.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _result(status: int, text: bytes, service: str, operation: str) -> Json:
    try:
        value = json.loads(text or b"{}")
    except ValueError:
        value = _from_xml(text)
    if not isinstance(value, dict):
        raise Unavailable(f"What answered {operation} with HTTP {status} is not AWS {service}.")
    if status == 200:
        return value
    kind = str(value.get("__type", "")).rpartition("#")[2] or f"HTTP {status}"
    explanation = str(value.get("message") or value.get("Message"))
    raise Refused(kind, f"AWS {service} refused {operation}: {kind}{_remedy(kind, explanation, service, operation)}.")


def _from_xml(text: bytes) -> Json:
    """An error as AWS's older protocol has it, which some gateways in front of a service answer with."""
    found = _XML_ERROR.search(text.decode(errors="replace"))
    return {"__type": found[1], "message": found[2]} if found else None


def _remedy(kind: str, explanation: str, service: str, operation: str) -> str:
    """What to do about it, where that is known."""
    if kind in _DENIED:
        action = _ACTION.search(explanation)
        return f"; allow {action[1] if action else f'{service}:{operation}'} to the role or user that asks"
    return "; the credentials have expired or are wrong, so sign in again" if kind in _STALE else ""
