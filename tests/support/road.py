"""What stands along the gateway's road, in the hands of a test: clock, secret store, providers with a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from core.chat.events import Batch, Finish, TextDelta, Usage
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest, Message
from core.chat.settings import GatewaySettings, Models, ProviderSettings
from core.chat.wildcards import ModelChoice
from core.gateway.gateway import Gateway
from core.gateway.keys import Keys
from core.gateway.secrets import Secrets
from core.gateway.upstreams import Upstream
from core.wire.client import HttpClient

Act: TypeAlias = Batch | Exception | Callable[[], Batch | None]
"""What a provider does next: yield these events, raise, or call something (and yield what it gives, if anything)."""

GOOD: Sequence[Act] = ([TextDelta("Hello")], [TextDelta("!")], [Finish("stop", "stop", Usage(3, 2))])
ASKED = ChatRequest("m", (Message("user", "hi"),))
SILENCE = object()


class Clock:
    """A clock that only a test moves."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Store:
    """A secret store. `failure` is what it raises instead of answering; it hangs while `stuck`."""

    values: dict[str, str] = field(default_factory=dict)
    fetches: int = 0
    failure: Exception | None = None
    stuck: bool = False

    async def fetch(self, names: Sequence[str]) -> Mapping[str, str]:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.stuck:
            await asyncio.get_running_loop().create_future()
        if self.failure is not None:
            raise self.failure
        return {name: self.values[name] for name in names if name in self.values}


class Scripted:
    """A provider that plays one script after the other, the last one again and again.

    `asked` are the requests with the token they came with, `closed` counts the streams that were closed.
    """

    def __init__(self, *scripts: Iterable[Act | object], models: Sequence[str] | Exception = ()) -> None:
        self.capabilities = Capabilities(tools=True, images=True)
        self.first_event_timeout: float | None = None
        self.scripts = [list(script) for script in scripts or (GOOD,)]
        self.asked: list[tuple[ChatRequest, Token]] = []
        self.asked_for_models: list[Token] = []
        self.offers = models
        self.closed = 0
        self._begun = asyncio.Semaphore(0)

    async def begun(self, streams: int = 1) -> None:
        """Returns when so many more streams were begun."""
        for _ in range(streams):
            await self._begun.acquire()

    @property
    def secrets(self) -> list[str]:
        """The tokens it was asked with."""
        return [token.secret for _, token in self.asked]

    async def stream(self, request: ChatRequest, token: Token) -> AsyncGenerator[Batch]:
        self.asked.append((request, token))
        script = self.scripts[0] if len(self.scripts) == 1 else self.scripts.pop(0)
        self._begun.release()
        try:
            for act in script:
                if act is SILENCE:
                    await asyncio.get_running_loop().create_future()
                if isinstance(act, Exception):
                    raise act
                batch = act() if callable(act) else act
                if batch is not None:
                    yield batch
        finally:
            self.closed += 1

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        self.asked_for_models.append(token)
        await asyncio.sleep(0)
        if isinstance(self.offers, Exception):
            raise self.offers
        return [ModelInfo(model) for model in self.offers]


class Road:
    """A gateway with scripted providers and everything that time and chance decide."""

    def __init__(
        self,
        providers: Mapping[str, Scripted],
        *,
        tokens: Mapping[str, str] | None = None,
        models: Mapping[str, Models] | None = None,
        aliases: Mapping[str, Sequence[str]] | None = None,
        settings: GatewaySettings | None = None,
        **choices: ModelChoice,
    ) -> None:
        """`tokens` are the credentials of a provider by its name; one that is missing there needs none.

        `choices` between models are those of every provider.
        """
        tokens = tokens or {}
        self.clock = Clock()
        self.store = Store({f"{name}-tokens": value for name, value in tokens.items()} | {"KEYS": "a-key"})
        self.secrets = Secrets(self.store, [*self.store.values], ttl=60.0, clock=self.clock)
        self.upstreams = {
            name: Upstream(
                ProviderSettings(
                    name,
                    "scripted",
                    f"secret://{name}-tokens" if name in tokens else None,
                    (models or {}).get(name, {"m": "m"}),
                    **choices,
                ),
                provider,
                self.secrets,
                models_ttl=600.0,
                clock=self.clock,
                jitter=lambda: 0.0,
            )
            for name, provider in providers.items()
        }
        self.gateway = Gateway(
            settings or GatewaySettings(),
            self.upstreams,
            aliases or {},
            Keys("secret://KEYS", self.secrets),
            self.secrets,
            HttpClient(),
            jitter=lambda: 0.0,
        )
