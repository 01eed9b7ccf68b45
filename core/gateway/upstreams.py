"""A configured provider with all that the gateway keeps about it: its tokens, its models, its health."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from core.chat.errors import ChatError, Unavailable, UpstreamError
from core.chat.ports import NO_TOKEN, ChatProvider, ModelInfo, Token
from core.chat.settings import ProviderSettings
from core.gateway.secrets import Secrets, secret_name, secret_names, split_secret
from core.gateway.tokens import Pool

DISCOVERY_TIMEOUT = 10.0
DISCOVERY_RETRY = 30.0
FAILURES_TO_BENCH = 3
FIRST_BENCH = 5.0
LONGEST_BENCH = 60.0


class Health:
    """Whether a whole upstream is better left alone for now. A failure of the network is not a token's fault."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._until = float("-inf")
        self._verdict: UpstreamError | None = None

    @property
    def benched(self) -> bool:
        """It failed several times in a row: others go first."""
        return self._clock() < self._until

    @property
    def verdict(self) -> UpstreamError | None:
        """Set while nobody should even try: a single failure proved enough."""
        if self._verdict is None or not self.benched:
            return None
        self._verdict.retry_after = max(self._until - self._clock(), 1.0)
        return self._verdict

    def failed(self, error: UpstreamError) -> None:
        if error.bench is not None:
            self._until, self._verdict = self._clock() + error.bench, error
        elif error.status in {502, 503, 504} and error.code != "upstream_credentials_unavailable":
            self._failures += 1
            if self._failures >= FAILURES_TO_BENCH:
                seconds = min(FIRST_BENCH * 2 ** (self._failures - FAILURES_TO_BENCH), LONGEST_BENCH)
                self._until, self._verdict = self._clock() + seconds, None

    def succeeded(self) -> None:
        self._failures, self._until = 0, float("-inf")


class Upstream:
    """One provider of the configuration, under the name it has there."""

    def __init__(
        self,
        settings: ProviderSettings,
        provider: ChatProvider,
        secrets: Secrets,
        models_ttl: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = settings.name
        self.provider = provider
        self.pool = Pool([])
        self.health = Health(clock)
        self._settings = settings
        self._secrets = secrets
        self._others = secret_names(settings.table)
        self._credentials: tuple[str, ...] | None = None
        self._models_ttl = models_ttl
        self._clock = clock
        self._discovered: dict[str, ModelInfo] | None = None
        self._discover_at = float("-inf")
        self._lock = asyncio.Lock()

    async def load_tokens(self, *, newer_than: float | None = None) -> None:
        """Bring the pool up to the secrets. Raises `Unavailable` where its secret is not set."""
        values = await self._secrets.values(newer_than=newer_than)
        if self._settings.tokens is None:
            credentials: tuple[str, ...] = (NO_TOKEN.secret,)
        else:
            name = secret_name(self._settings.tokens) or ""
            credentials = tuple(split_secret(values.get(name, "")))
            if not credentials:
                raise Unavailable(f"The secret {name} is not set.")
        others = {name: values[name] for name in self._others if name in values}
        if credentials != self._credentials or any(token.others != others for token in self.pool.tokens):
            self._credentials = credentials
            self.pool.replace([Token(f"{self.name}-{n}", secret, others) for n, secret in enumerate(credentials, 1)])

    async def rotated(self, since: float) -> bool:
        """Whether the secrets have changed, asking the store again if its copy is from before `since`."""
        before = self._credentials
        await self.load_tokens(newer_than=since)
        return self._credentials != before

    def configured(self, model: str) -> str | None:
        """The upstream's id for `model` by the configured list or a pattern of it; None where neither has it."""
        table = self._settings.models
        if isinstance(table, str):
            return None
        if model in table:
            return table[model]
        return model if any("*" in entry and _matches(entry, model) for entry in table) else None

    @property
    def discovers(self) -> bool:
        return self._settings.models == "discover"

    async def listed(self) -> Mapping[str, ModelInfo] | None:
        """Its models by the name a caller uses; None while the upstream has not told them."""
        if not self.discovers:
            table = self._settings.models
            assert not isinstance(table, str)  # noqa: S101  # "discover" is its only string
            return {alias: ModelInfo(upstream) for alias, upstream in table.items() if "*" not in alias}
        if self._clock() >= self._discover_at:
            async with self._lock:
                if self._clock() >= self._discover_at:
                    await self._discover()
        return self._discovered

    def forget_models(self) -> None:
        """The upstream denied a model that it had listed: ask again."""
        self._discover_at = float("-inf")

    async def _discover(self) -> None:
        self._discover_at = self._clock() + DISCOVERY_RETRY
        try:
            await self.load_tokens()
            async with asyncio.timeout(DISCOVERY_TIMEOUT):
                models: Sequence[ModelInfo] = await self.provider.models(next(iter(self.pool.tokens)))
        except (ChatError, TimeoutError):
            return
        if models:
            self._discovered = {info.model: info for info in models}
            self._discover_at = self._clock() + self._models_ttl


def _matches(pattern: str, model: str) -> bool:
    """`*` stands for anything; the rest is literal."""
    first, *rest = pattern.split("*")
    if not model.startswith(first):
        return False
    position = len(first)
    for index, piece in enumerate(rest):
        if index == len(rest) - 1:
            return len(model) - len(piece) >= position and model.endswith(piece)
        position = model.find(piece, position) + len(piece)
        if position < len(piece):
            return False
    return True
