"""Calls to AWS's JSON services: where they are, as whom, and what they answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from core.chat.errors import ChatError, Unavailable
from core.chat.requests import Json
from core.wire.client import HttpClient, encode_json
from core.wire.sigv4 import Credentials, signed_headers


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
            raise Unavailable(f"AWS {self._service} does not answer.") from error
        return _result(status, text, self._service, operation)

    def _region(self) -> str:
        region = self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION")
        if not region:
            raise Unavailable("AWS_REGION is not set.")
        return region

    def _endpoint(self, region: str) -> str:
        named = f"AWS_ENDPOINT_URL_{self._service.upper()}"
        given = self._environment.get(named) or self._environment.get("AWS_ENDPOINT_URL")
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return (given or f"https://{self._service}.{region}.{suffix}").rstrip("/") + "/"

    def _credentials(self) -> Credentials:
        access_key = self._environment.get("AWS_ACCESS_KEY_ID", "")
        secret_key = self._environment.get("AWS_SECRET_ACCESS_KEY", "")
        if not access_key or not secret_key:
            raise Unavailable("There are no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set.")
        return Credentials(access_key, secret_key, self._environment.get("AWS_SESSION_TOKEN", ""))


class Refused(Unavailable):
    """AWS answered with an error; `kind` is its name for it, such as AccessDeniedException."""

    def __init__(self, service: str, operation: str, kind: str) -> None:
        super().__init__(f"AWS {service} refused {operation}: {kind}.")
        self.kind = kind


def _result(status: int, text: bytes, service: str, operation: str) -> Json:
    try:
        value = json.loads(text or b"{}")
    except ValueError:
        value = {}
    if status == 200:
        return value
    kind = str(value.get("__type", "")) if isinstance(value, dict) else ""
    raise Refused(service, operation, kind.rpartition("#")[2] or f"HTTP {status}")
