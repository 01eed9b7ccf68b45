"""`any2api serve`: the API on this machine."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress

import uvicorn

from core.app import build_gateway, create_app, set_up_logging
from core.chat.ports import SECRET_SCHEME
from core.chat.settings import Settings
from core.cli.connection import Connection
from core.cli.models import first_model
from core.cli.stores import open_store, variables
from core.config import is_weak
from core.gateway.secrets import split_secret

REFUSED = 2
BACKLOG = 2048
GRACE = 5
LAST_WORDS = 1.0


def run(settings: Settings, host: str, port: int) -> int:
    """Serves until it is told to stop; 2 where it would not be safe to begin, or nobody could connect."""
    name = settings.gateway.keys.removeprefix(SECRET_SCHEME)
    keys = asyncio.run(_callers_keys(settings, name))
    try:
        family, address = _resolve(host, port)
        if problem := refusal(address[0], name, keys):
            return _refuse(problem)
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        return _refuse(_not_listening(host, port, error))
    made = None if keys else f"sk-any2api-{secrets.token_urlsafe(24)}"
    variable = f"${{{name}%%,*}}" if len(keys) > 1 else f"${name}"
    with listener:
        app = create_app(settings, keys=made, environment=variables())
        url = _url(listener)
        print(f"any2api listens at {url}/v1")
        print(f"key: {made or f'the key in {name}'}", flush=True)
        model = asyncio.run(_model_to_try(settings)) or "MODEL"
        print(f"try: {curl(url, made or variable, model)}", flush=True)
        print(f"page: {url}/ in a browser, with the same key", flush=True)
        _serve(app, listener)
    return 0


async def _model_to_try(settings: Settings) -> str | None:
    async with aclosing(build_gateway(settings, environment=variables())) as gateway:
        return await first_model(settings, gateway)


def refusal(address: str, name: str, keys: Sequence[str]) -> str | None:
    """Why an address must not be opened with these keys; None where it may, as others cannot reach it."""
    if ipaddress.ip_address(address).is_loopback or (keys and not any(map(is_weak, keys))):
        return None
    problem = "holds a key that can be guessed" if keys else "is not set"
    return (
        f"{name} {problem}, and others can reach {address}: set it to a random text of 24 or more characters, "
        "such as: openssl rand -hex 24"
    )


def curl(url: str, key: str, model: str) -> str:
    """A command that streams an answer; `key` may be a variable of the shell."""
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]})
    return (
        f'curl -N {url}/v1/chat/completions -H "Authorization: Bearer {key}" '
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )


async def _callers_keys(settings: Settings, name: str) -> list[str]:
    async with open_store(settings.secrets_url) as store:
        return split_secret((await store.fetch([name])).get(name, ""))


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return family, (str(address[0]), port)


def _not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken; choose another with --port"
    return f"cannot listen on {host}, port {port}: {error.strerror or error}"


def _url(listener: socket.socket) -> str:
    """An address at which this machine reaches `listener`."""
    host, port = listener.getsockname()[:2]
    anywhere = ipaddress.ip_address(host).is_unspecified
    if listener.family == socket.AF_INET6:
        return f"http://[{'::1' if anywhere else host}]:{port}"
    return f"http://{'127.0.0.1' if anywhere else host}:{port}"


def _serve(app: Callable[..., Awaitable[None]], listener: socket.socket) -> None:
    set_up_logging()
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        http=Connection,
    )
    with suppress(KeyboardInterrupt):
        _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Lets those who are not done within the time of grace say so to their callers."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=LAST_WORDS)


def _refuse(problem: str) -> int:
    print(f"any2api does not start: {problem}", file=sys.stderr)
    return REFUSED
