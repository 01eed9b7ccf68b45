"""Google on a loopback port: the metadata server and Secret Manager's REST API, as far as the gateway uses them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.upstream import Seen, Wire, upstream

PROJECT = "demo-project"
TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_SECRET = re.compile(rf"/v1/projects/{PROJECT}/secrets/(?P<id>[\w-]+)(?P<rest>.*)")
_STATUS = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404, "FAILED_PRECONDITION": 400}


class Refusal(Exception):
    """An error as Google tells it; its text is never to be repeated."""


@dataclass
class Google:
    """`secrets` holds the versions of each by its id; None is a version that was destroyed.

    `readable` says which of them the function may access. The latest token is the only good one.
    """

    url: str = ""
    secrets: dict[str, list[str | None]] = field(default_factory=dict)
    readable: Callable[[str], bool] = lambda secret: True
    page_size: int = 250
    lifetime: int = 3600
    tokens: int = 0
    """How many tokens the metadata server has given."""
    asked: list[Seen] = field(default_factory=list)
    failure: tuple[int, str] | None = None
    """What answers instead of Secret Manager."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What a function needs in order to find it: the documented variables."""
        host = self.url.removeprefix("http://")
        return {"GCE_METADATA_HOST": host, "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"{self.url}/"}

    @property
    def token(self) -> str:
        return f"ya29.token-{self.tokens}"

    def put(self, **values: str) -> None:
        """A new version of each secret."""
        for name, value in values.items():
            self.secrets.setdefault(f"any2api-{name}", []).append(value)

    async def serve(self, seen: Seen, wire: Wire) -> None:
        if seen.path == TOKEN_PATH:
            await self._grant(seen, wire)
            return
        self.asked.append(seen)
        if self.failure:
            await wire.reply(*self.failure)
            return
        try:
            answer = self._answer(seen)
        except Refusal as refusal:
            (status,) = refusal.args
            error = {"code": _STATUS[status], "status": status, "message": f"On project {PROJECT} of owner@example.com"}
            await wire.reply(_STATUS[status], json.dumps({"error": error}))
        else:
            await wire.reply(200, json.dumps(answer))

    async def _grant(self, seen: Seen, wire: Wire) -> None:
        if seen.headers.get("metadata-flavor") != "Google":
            await wire.reply(403, "Missing Metadata-Flavor:Google header.", content_type="text/html")
            return
        self.tokens += 1
        granted = {"access_token": self.token, "expires_in": self.lifetime, "token_type": "Bearer"}
        await wire.reply(200, json.dumps(granted), metadata_flavor="Google")

    def _answer(self, seen: Seen) -> Any:
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal("UNAUTHENTICATED")
        url = urlsplit(seen.path)
        found = _SECRET.fullmatch(url.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        match seen.method, found and found["rest"]:
            case "GET", None:
                return self._list(int(query["pageSize"]), int(query.get("pageToken", 0)))
            case "POST", None:
                assert seen.json == {"replication": {"automatic": {}}}
                self.secrets[query["secretId"]] = []
                return {}
            case "GET", "/versions/latest:access":
                return {"payload": {"data": base64.b64encode(self._latest(found["id"]).encode()).decode()}}
            case "POST", ":addVersion":
                self._versions(found["id"]).append(base64.b64decode(seen.json["payload"]["data"]).decode())
                return {}
        raise AssertionError(f"Secret Manager has no {seen.method} {seen.path}")

    def _list(self, size: int, start: int) -> Any:
        ids = sorted(self.secrets)
        end = start + min(size, self.page_size)
        page = {"secrets": [{"name": f"projects/123/secrets/{name}"} for name in ids[start:end]]}
        return page if end >= len(ids) else {**page, "nextPageToken": str(end)}

    def _latest(self, name: str) -> str:
        if not self.readable(name):
            raise Refusal("PERMISSION_DENIED")
        value = (self._versions(name) or [None])[-1]
        if value is None:
            raise Refusal("FAILED_PRECONDITION")
        return value

    def _versions(self, name: str) -> list[str | None]:
        if name not in self.secrets:
            raise Refusal("NOT_FOUND")
        return self.secrets[name]


@asynccontextmanager
async def google() -> AsyncIterator[Google]:
    """An empty project until the end of the block."""
    project = Google()
    async with upstream(project.serve) as server:
        project.url = server.url
        yield project
