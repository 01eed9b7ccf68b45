"""Who may call: the caller's key against the configured ones."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass

from core.chat.errors import InvalidKey, Unavailable
from core.gateway.secrets import Secrets, secret_name, split_secret

OVERLAP = 60.0
SIGNATURE_BYTES = 16
_LOG = logging.getLogger("any2api")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds a valid key; `label` is the key's place among the keys."""

    label: str


class Keys:
    """The keys that open the gateway, each compared in constant time.

    `setting` is the keys themselves or the secret that holds them. After a rotation the previous keys go on working
    for a little while, so that nobody is locked out between two saves. Where one of them `is_weak`, none opens.
    """

    def __init__(self, setting: str, secrets: Secrets, is_weak: Callable[[str], bool] | None = None) -> None:
        self._setting = setting
        self._secrets = secrets
        self._is_weak = is_weak
        self._problem = ""
        self._source: str | None = None
        self._digests: list[bytes] = []
        self._previous: list[bytes] = []
        self._previous_until = float("-inf")

    async def authorize(self, presented: str | None) -> Caller:
        """The caller behind a key. Raises `InvalidKey`, or `Unavailable` where no key is configured."""
        await self._refresh()
        known = self._digests
        if self._secrets.now() < self._previous_until:
            known = known + self._previous
        digest = _digest(presented or "")
        matches = [hmac.compare_digest(digest, other) for other in known]
        if not presented or not any(matches):
            raise InvalidKey("Incorrect API key provided. Send it as `Authorization: Bearer KEY`.")
        return Caller(f"key-{matches.index(True) + 1}")

    def sign(self, message: bytes) -> bytes:
        """A signature that only a holder of a key could make, and any of our instances can check."""
        return _signature(self._digests[0], message)

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is one of ours, by any key, also the previous ones."""
        known = [_signature(key, message) for key in self._digests + self._previous]
        return any(hmac.compare_digest(signature, other) for other in known)

    def known(self) -> list[str]:
        """The keys that were given outright, for the redactor; those in secrets are known there."""
        return [] if secret_name(self._setting) else split_secret(self._setting)

    async def _refresh(self) -> None:
        name = secret_name(self._setting)
        source = self._setting if name is None else (await self._secrets.values()).get(name, "")
        if source != self._source:
            self._previous, self._previous_until = self._digests, self._secrets.now() + OVERLAP
            keys = split_secret(source)
            self._source, self._digests = source, [_digest(key) for key in keys]
            self._problem = self._problem_of(keys, name or "keys")
            if self._problem:
                _LOG.error("%s", self._problem)
        if self._problem:
            raise Unavailable(self._problem)

    def _problem_of(self, keys: list[str], name: str) -> str:
        if not keys:
            return f"No key is configured: set {name}."
        if self._is_weak is not None and any(map(self._is_weak, keys)):
            return f"A key in {name} can be guessed: set it to a random text of 24 or more characters."
        return ""


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _signature(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")[:SIGNATURE_BYTES]
