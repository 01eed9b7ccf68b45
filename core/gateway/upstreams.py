"""A configured provider with all that the gateway keeps about it: its tokens, its models, its health."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from core.chat.errors import Unavailable, UpstreamError
from core.chat.kinds import kind_by_name
from core.chat.ports import NO_TOKEN, ChatProvider, ModelInfo, Token
from core.chat.settings import Models, ProviderSettings
from core.chat.wildcards import chosen, matches
from core.gateway.secrets import Secrets, secret_name, secret_names, split_secret
from core.gateway.tokens import ANY_MODEL, Pool

DISCOVERY_TIMEOUT = 10.0
DISCOVERY_RETRY = 30.0
FAILURES_TO_BENCH = 3
FIRST_BENCH = 5.0
LONGEST_BENCH = 60.0
MOST_DOUBLINGS = 4
_NOT_ITS_FAULT = frozenset(
    {
        "deadline_exceeded",
        "response_format_unmet",
        "tool_call_invalid",
        "tool_call_missing",
        "upstream_credentials_unavailable",
    }
)
_LOG = logging.getLogger("any2api")


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
        return _repeated(self._verdict, max(self._until - self._clock(), 1.0))

    def failed(self, error: UpstreamError) -> None:
        if error.bench is not None:
            self._until, self._verdict = self._clock() + error.bench, _repeated(error, error.bench)
        elif error.status in {502, 503, 504} and error.code not in _NOT_ITS_FAULT:
            self._failures += 1
            if self._failures >= FAILURES_TO_BENCH and self.verdict is None:
                doublings = min(self._failures - FAILURES_TO_BENCH, MOST_DOUBLINGS)
                self._until = self._clock() + min(FIRST_BENCH * 2**doublings, LONGEST_BENCH)
                self._verdict = None

    def succeeded(self) -> None:
        """An answer came to its lawful end. One that began before the verdict says nothing against it."""
        self._failures = 0
        if self.verdict is None:
            self._until = float("-inf")


def _repeated(error: UpstreamError, retry_after: float) -> UpstreamError:
    """The same error to be raised once more, without the traceback, which would keep whole requests in memory."""
    return UpstreamError(
        error.message,
        status=error.status,
        type=error.type,
        code=error.code,
        retry=error.retry,
        retry_after=retry_after,
    )


class Upstream:
    """One provider of the configuration, under the name it has there."""

    def __init__(
        self,
        settings: ProviderSettings,
        provider: ChatProvider,
        secrets: Secrets,
        models_ttl: float,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = settings.name
        self.kind = settings.kind
        self.provider = provider
        self.pool = Pool((), clock, jitter)
        self.health = Health(clock)
        self._settings = settings
        self._secrets = secrets
        self._others = secret_names(settings.table)
        self._values: Mapping[str, str] | None = None
        self._missing = ""
        self._models_ttl = models_ttl
        self._clock = clock
        self._listed = _models_named(settings.models)
        self._asked_at = self._ask_at = float("-inf")
        self._lock = asyncio.Lock()

    async def load_tokens(self, *, newer_than: float | None = None) -> None:
        """Bring the pool up to the secrets, asking the store again if its copy is from before `newer_than`.

        Raises `Unavailable` where the secret of its tokens is not set.
        """
        values = await self._secrets.values(newer_than=newer_than)
        if values is not self._values:
            self._values, self._missing = values, ""
            self.pool.replace(self._tokens(values))
            if self._missing:
                _LOG.error("%s", self._missing)
        if self._missing:
            raise Unavailable(self._missing)

    def _tokens(self, values: Mapping[str, str]) -> list[Token]:
        others = {name: values[name] for name in self._others if name in values}
        if self._settings.tokens is None:
            return [replace(NO_TOKEN, others=others)]
        name = secret_name(self._settings.tokens) or ""
        credentials = split_secret(values.get(name, ""))
        if not credentials:
            self._missing = f"The secret {name} is not set."
        return [Token(f"{self.name}-{n}", secret, others) for n, secret in enumerate(credentials, 1)]

    def configured(self, model: str) -> str | None:
        """The upstream's id for `model` by the configured list or a pattern of it; None where neither has it."""
        table = self._settings.models
        if isinstance(table, str):
            return None
        if model in table:
            return table[model]
        return model if any("*" in entry and matches(entry, model) for entry in table) else None

    def emulates_tools(self, *names: str) -> bool:
        """Whether tool calls of a model that goes by `names` are for us to see to."""
        choice = self._settings.emulate_tools
        return not self.provider.capabilities.tools if choice is None else chosen(choice, *names)

    def shows_thought(self, *names: str) -> bool:
        """Whether its thinking is to be shown in the text."""
        return chosen(self._settings.reasoning_in_content, *names)

    def splits_thought(self, *names: str) -> bool:
        """Whether thinking is to be taken out of the text."""
        return chosen(self._settings.split_think_tags, *names)

    @property
    def discovers(self) -> bool:
        return self._settings.models == "discover"

    @property
    def models(self) -> Mapping[str, ModelInfo] | None:
        """Its models by the name a caller uses; None while the upstream has not told them."""
        return self._listed

    @property
    def never_asked(self) -> bool:
        return self.discovers and self._asked_at == float("-inf")

    @property
    def worth_asking(self) -> bool:
        """Whether it may tell other models than those we know."""
        return self.discovers and self._clock() >= self._ask_at

    async def discover(self) -> None:
        """Ask the upstream for its models, unless somebody else just did."""
        async with self._lock:
            if self.worth_asking:
                await self._discover()

    def forget(self, model: str) -> None:
        """The upstream denied a model that it may have listed: it is to say so again, though not at every denial."""
        if self.discovers and self._listed is not None and model in self._listed:
            self._listed = {name: info for name, info in self._listed.items() if name != model}
            self._ask_at = min(self._ask_at, self._asked_at + DISCOVERY_RETRY)

    async def _discover(self) -> None:
        models: Sequence[ModelInfo] = ()
        try:
            await self.load_tokens()
            lease = self.pool.take(ANY_MODEL)
            try:
                async with asyncio.timeout(DISCOVERY_TIMEOUT):
                    models = await self.provider.models(lease.token)
            finally:
                lease.dropped()
        except Exception as error:  # noqa: BLE001  # a provider is code that others add: only its list may fail with it
            _LOG.warning("the models of %s are unknown: %s", self.name, getattr(error, "code", type(error).__name__))
        self._asked_at = self._clock()
        self._ask_at = self._asked_at + (self._models_ttl if models else DISCOVERY_RETRY)
        if models:
            self._listed = {info.model: info for info in models}


def _models_named(models: Models) -> Mapping[str, ModelInfo] | None:
    """What the configuration alone tells; a pattern is no name to ask for."""
    if isinstance(models, str):
        return None
    return {
        name: ModelInfo(upstream, kind=kind_by_name(upstream)) for name, upstream in models.items() if "*" not in name
    }
