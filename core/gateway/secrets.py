"""The secrets that the configuration names, fetched when first needed and again when they may have changed."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence

from core.chat.errors import Unavailable
from core.chat.ports import SECRET, SECRET_SCHEME, SecretStore
from core.chat.requests import Json

STORE_TIMEOUT = 5.0
_LOG = logging.getLogger("any2api")


class Secrets:
    """A copy of the store's values. While it is warm, a store that fails costs nothing but freshness.

    The copy stays the same object for as long as nothing in it has changed.
    """

    def __init__(
        self, store: SecretStore, names: Sequence[str], ttl: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._names = tuple(names)
        self._ttl = ttl
        self._clock = clock
        self._values: Mapping[str, str] | None = None
        self._replaced: Mapping[str, str] = {}
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    async def values(self, *, newer_than: float | None = None) -> Mapping[str, str]:
        """All values by name. `newer_than` (a moment of the clock) asks for a copy fetched after it.

        Raises `Unavailable` where there is no copy yet and the store cannot answer.
        """
        wanted = self._clock() - self._ttl if newer_than is None else newer_than
        if self._values is None or self._fetched <= wanted:
            async with self._lock:
                if self._values is None or self._fetched <= wanted:
                    await self._fetch()
        assert self._values is not None  # noqa: S101  # _fetch sets it or raises
        return self._values

    def known(self) -> list[str]:
        """Every credential we hold, or held until the last change, for the redactor."""
        values = [*(self._values or {}).values(), *self._replaced.values()]
        return [part for value in values for part in {value, *split_secret(value)}]

    def now(self) -> float:
        """A moment for `newer_than`."""
        return self._clock()

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                values = dict(await self._store.fetch(self._names))
        except Exception as error:  # noqa: BLE001  # a store is code that others add: a warm copy goes on serving
            unavailable = error if isinstance(error, Unavailable) else _unreadable(error)
            if self._values is None:
                _LOG.error("%s", unavailable.message)
                raise unavailable from None
            _LOG.warning("%s The last copy of the secrets stays in use.", unavailable.message)
        else:
            if values != self._values:
                self._replaced, self._values = self._values or {}, values
        self._fetched = self._clock()


def _unreadable(error: Exception) -> Unavailable:
    unavailable = Unavailable("The secret store cannot be read; `any2api check` says why.")
    unavailable.__cause__ = error
    return unavailable


def secret_name(setting: str) -> str | None:
    """The secret that a setting names; None where it names none."""
    return setting.removeprefix(SECRET_SCHEME) if setting.startswith(SECRET_SCHEME) else None


def secret_names(value: Json) -> list[str]:
    """All secrets that are named anywhere in a settings value."""
    if isinstance(value, str):
        return SECRET.findall(value)
    if isinstance(value, Mapping):
        value = list(value.values())
    return [name for item in value for name in secret_names(item)] if isinstance(value, list | tuple) else []


def split_secret(value: str) -> list[str]:
    """The credentials in one secret, separated by commas or white space, each once, in order."""
    return list(dict.fromkeys(part for part in re.split(r"[\s,]+", value) if part))
