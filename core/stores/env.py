"""`env://`: secrets are environment variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.wire.client import HttpClient


class Secrets:
    """Reads the environment at each fetch. A variable that is set to nothing does not exist."""

    def __init__(self, url: str, environment: Mapping[str, str], http: HttpClient) -> None:  # noqa: ARG002  # every store is built alike
        self._environment = environment

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        values = {name: self._environment.get(name, "").strip() for name in names}
        return {name: value for name, value in values.items() if value}
