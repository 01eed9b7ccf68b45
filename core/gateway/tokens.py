"""A provider's tokens: which one goes next, which one rests, which one is out.

The state is kept for each token and model, since upstreams limit by both; a refused credential or an empty account
concerns the token as a whole. Everything here is per instance and correct without its neighbours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from core.chat.errors import Blame, ChatError, RateLimited, Unavailable, UpstreamError
from core.chat.ports import Token

FIRST_COOL = 5.0
LONGEST_COOL = 300.0
QUOTA_COOL = 3600.0
LONG_PROBE = 6 * 3600.0
ANY_MODEL = ""


@dataclass(slots=True)
class Rest:
    """Why and until when (a moment of the clock) a token is left alone; then one request at a time tries it again.

    `disabled` marks a refused credential: waiting will not help, a new secret will.
    """

    until: float = 0.0
    failures: int = 0
    disabled: bool = False
    reason: str = ""
    probing: bool = False


@dataclass(slots=True)
class Lease:
    """A token in use for one attempt. Say how it went: `succeeded`, `failed`, or `dropped` where nobody can tell."""

    token: Token
    pool: Pool
    model: str
    probes: list[Rest] = field(default_factory=list)

    def succeeded(self) -> None:
        self.pool.forget(self.token, self.model)

    def failed(self, error: UpstreamError) -> None:
        self.pool.blame(self.token, self.model, error)
        self.dropped()

    def dropped(self) -> None:
        for rest in self.probes:
            rest.probing = False


class Pool:
    """The tokens of one provider, used in turn from a random start, so that instances do not march in step."""

    def __init__(
        self,
        tokens: Sequence[Token],
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._tokens = list(tokens)
        self._next = int(jitter() * len(tokens)) if tokens else 0
        self._rests: dict[tuple[str, str], Rest] = {}

    @property
    def tokens(self) -> Sequence[Token]:
        return self._tokens

    def replace(self, tokens: Sequence[Token]) -> None:
        """Take over a new set of credentials; those that stayed keep their state."""
        kept = {token.secret for token in tokens}
        gone = {token.label for token in self._tokens if token.secret not in kept}
        moved = {token.secret: token.label for token in tokens}
        labels = {token.label: moved.get(token.secret, "") for token in self._tokens}
        self._rests = {
            (labels[label], model): rest for (label, model), rest in self._rests.items() if label not in gone
        }
        self._tokens = list(tokens)

    def take(self, model: str, without: Iterable[str] = ()) -> Lease:
        """The next healthy token for `model`, leaving out the labels in `without`.

        Raises `RateLimited` with the shortest wait where all are resting, `Unavailable` where all are out.
        """
        avoid = set(without)
        for _ in self._tokens:
            token = self._tokens[self._next % len(self._tokens)]
            self._next += 1
            rests = self._rests_of(token, model)
            if token.label not in avoid and all(self._usable(rest) for rest in rests):
                probes = [rest for rest in rests if rest.failures]
                for rest in probes:
                    rest.probing = True
                return Lease(token, self, model, probes)
        raise self._exhausted(model)

    def wait(self, model: str) -> float | None:
        """Seconds until some token can be tried again; None where none will recover by waiting."""
        waits = [
            max(rest.until - self._clock() for rest in rests)
            for token in self._tokens
            if (rests := self._rests_of(token, model)) and not any(rest.disabled for rest in rests)
        ]
        return max(min(waits), 0.0) if waits else None

    def forget(self, token: Token, model: str) -> None:
        """It answered: whatever was held against it is over."""
        for key in ((token.label, model), (token.label, ANY_MODEL)):
            self._rests.pop(key, None)

    def blame(self, token: Token, model: str, error: UpstreamError) -> None:
        """Draw the consequences of a failure for the token that was used."""
        match error.blame:
            case Blame.COOL:
                rest = self._rest(token, model)
                backoff = min(FIRST_COOL * 2**rest.failures, LONGEST_COOL) * (1 + self._jitter() / 4)
                self._cool(rest, error.retry_after or backoff, error)
            case Blame.QUOTA:
                self._cool(self._rest(token, ANY_MODEL), max(error.retry_after or 0.0, QUOTA_COOL), error)
            case Blame.DISABLE:
                rest = self._rest(token, ANY_MODEL)
                rest.disabled = True
                self._cool(rest, LONG_PROBE, error)
            case Blame.NOTHING:
                pass

    def states(self) -> list[tuple[Token, str, Rest]]:
        """Every token with the model its rest concerns (all of them: "") and that rest, for people to look at."""
        return [
            (token, model, rest)
            for token in self._tokens
            for (label, model), rest in self._rests.items()
            if label == token.label
        ]

    def _cool(self, rest: Rest, seconds: float, error: UpstreamError) -> None:
        rest.until = max(rest.until, self._clock() + seconds)
        rest.failures += 1
        rest.reason = error.code or ""

    def _rest(self, token: Token, model: str) -> Rest:
        return self._rests.setdefault((token.label, model), Rest())

    def _rests_of(self, token: Token, model: str) -> list[Rest]:
        found = (self._rests.get((token.label, ANY_MODEL)), self._rests.get((token.label, model)))
        return [rest for rest in found if rest is not None]

    def _usable(self, rest: Rest) -> bool:
        return not rest.probing and rest.until <= self._clock()

    def _exhausted(self, model: str) -> ChatError:
        wait = self.wait(model)
        if wait is None:
            return Unavailable(
                "No usable token is left for this upstream.",
                type="upstream_error",
                code="upstream_credentials_unavailable",
            )
        return RateLimited("Every token of this upstream is resting.", retry_after=max(wait, 1.0))
