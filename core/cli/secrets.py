"""`any2api secrets`: writes the values of secrets, which never stand on the command line or in its history."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from core.chat.errors import ConfigError, InvalidRequest, Unavailable
from core.chat.ports import SECRET, SECRET_SCHEME, WritableSecrets
from core.chat.settings import Settings
from core.cli.check import named_secrets
from core.cli.stores import open_store
from core.config import ENVIRONMENT, is_weak
from core.gateway.secrets import secret_name, split_secret

PATIENCE = 30.0


def list_names(settings: Settings) -> int:
    """Prints the names that are there, and warns of those that are named but missing."""
    names = asyncio.run(_names(settings))
    for name in names:
        print(name)
    for name, setting in named_secrets(settings).items():
        if name not in names:
            print(f"warning: {name}, named by {setting}, is not set", file=sys.stderr)
    return 0


def write(settings: Settings, name: str, *, rotate: bool) -> int:
    """Sets the secret `name` to what standard input says; `rotate` keeps its old credentials beside the new ones."""
    if not SECRET.fullmatch(SECRET_SCHEME + name):
        raise InvalidRequest(f"{name!r} cannot be the name of a secret: it has letters, digits, _, - and . only.")
    value = _read_value(name)
    asyncio.run(_write(settings, name, value, rotate=rotate))
    print(f"{name} is set.")
    if settings.source != ENVIRONMENT and name not in named_secrets(settings):
        print(f"warning: nothing in {settings.source} names it", file=sys.stderr)
    if name == secret_name(settings.gateway.keys) and any(map(is_weak, split_secret(value))):
        print("warning: it can be guessed; no public address will be served with it", file=sys.stderr)
    return 0


async def _names(settings: Settings) -> Sequence[str]:
    async with _opened(settings) as store:
        return await store.names()


async def _write(settings: Settings, name: str, value: str, *, rotate: bool) -> None:
    async with _opened(settings) as store:
        await store.store(name, await _rotated(store, name, value) if rotate else value)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[WritableSecrets]:
    try:
        async with asyncio.timeout(PATIENCE), open_store(settings.secrets_url) as store:
            if not isinstance(store, WritableSecrets):
                raise ConfigError(
                    "is a store that cannot be written to from here; name one that can, such as ssm:///any2api/, "
                    "secretsmanager://any2api or file:///path/, in this variable or with --store",
                    path="SECRETS_URL",
                )
            yield store
    except TimeoutError:
        raise Unavailable("The secret store does not answer.") from None


async def _rotated(store: WritableSecrets, name: str, value: str) -> str:
    """The new credentials, then those they replace, which stay valid until the next `set`."""
    old = (await store.fetch([name])).get(name, "")
    return ",".join(dict.fromkeys([*split_secret(value), *split_secret(old)]))


def _read_value(name: str) -> str:
    """From standard input and nowhere else; a person types it unseen."""
    value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read()
    if not value.strip():
        raise InvalidRequest("There is no value on standard input.")
    return value.strip()
