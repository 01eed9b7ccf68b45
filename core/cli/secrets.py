"""`any2api secrets`: writes the values of secrets, which never stand on the command line or in its history."""

from __future__ import annotations

import asyncio
import getpass
import sys

from core.chat.errors import ConfigError, InvalidRequest, Unavailable
from core.chat.ports import SECRET, SECRET_SCHEME, WritableSecrets
from core.chat.settings import Settings
from core.cli.check import named_secrets
from core.cli.stores import open_store
from core.config import ENVIRONMENT, is_weak
from core.gateway.secrets import secret_name, split_secret

PATIENCE = 30.0


def run(settings: Settings, action: str, name: str = "") -> int:
    """`list` the names that are there, or `set` or `rotate` one of them to the value on standard input."""
    value = "" if action == "list" else _read_value(name)
    try:
        asyncio.run(_act(settings, action, name, value))
    except TimeoutError:
        raise Unavailable("The secret store does not answer.") from None
    return 0


async def _act(settings: Settings, action: str, name: str, value: str) -> None:
    async with asyncio.timeout(PATIENCE), open_store(settings.secrets_url) as store:
        if not isinstance(store, WritableSecrets):
            raise ConfigError(
                "is a store that cannot be written to from here; name one that can, such as ssm:///any2api/, "
                "secretsmanager://any2api or file:///path/, in this variable or with --store",
                path="SECRETS_URL",
            )
        match action:
            case "list":
                await _list(settings, store)
            case "set":
                await _set(settings, store, name, value)
            case _:
                await _set(settings, store, name, await _rotated(store, name, value))


async def _list(settings: Settings, store: WritableSecrets) -> None:
    names = await store.names()
    for name in names:
        print(name)
    for name, setting in named_secrets(settings).items():
        if name not in names:
            print(f"warning: {name}, named by {setting}, is not set", file=sys.stderr)


async def _set(settings: Settings, store: WritableSecrets, name: str, value: str) -> None:
    await store.store(name, value)
    print(f"{name} is set.")
    if settings.source != ENVIRONMENT and name not in named_secrets(settings):
        print(f"warning: nothing in {settings.source} names it", file=sys.stderr)
    if name == secret_name(settings.gateway.keys) and any(map(is_weak, split_secret(value))):
        print("warning: it can be guessed; no public address will be served with it", file=sys.stderr)


async def _rotated(store: WritableSecrets, name: str, value: str) -> str:
    """The new credentials, then those they replace, which stay valid until the next `set`."""
    old = (await store.fetch([name])).get(name, "")
    return ",".join(dict.fromkeys([*split_secret(value), *split_secret(old)]))


def _read_value(name: str) -> str:
    """From standard input and nowhere else; a person types it unseen."""
    if not SECRET.fullmatch(SECRET_SCHEME + name):
        raise InvalidRequest(f"{name!r} cannot be the name of a secret: it has letters, digits, _, - and . only.")
    value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read()
    if not value.strip():
        raise InvalidRequest("There is no value on standard input.")
    return value.strip()
