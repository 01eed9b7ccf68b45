"""A provider's tokens: which one goes next, which one rests, which one is out.

The state is kept for each token and model, since upstreams limit by both; a refused credential or an empty account
concerns the token as a whole. Everything here is per instance and correct without its neighbours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from core.chat.errors import Blame, ChatError, RateLimited, Unavailable, UpstreamError
from core.chat.ports import Token

FIRST_COOL = 5.0
LONGEST_COOL = 300.0
MOST_DOUBLINGS = 6
QUOTA_COOL = 3600.0
LONG_PROBE = 6 * 3600.0
ANY_MODEL = ""


@dataclass(slots=True)
class Rest:
    """Why and until when (a moment of the clock) a token is left alone; then one request at a time tries it again.

    `disabled` marks a refused credential: waiting will not help, a new secret will.
    """

    until: float = float("-inf")
    failures: int = 0
    disabled: bool = False
    reason: str = ""
    probing: bool = False


@dataclass(slots=True)
class Standing:
    """A token, and its rests by the model they concern; `ANY_MODEL` for those that concern them all."""

    token: Token
    rests: dict[str, Rest] = field(default_factory=dict)

    def concerning(self, model: str) -> dict[str, Rest]:
        return {key: self.rests[key] for key in (ANY_MODEL, model) if key in self.rests}


@dataclass(slots=True)
class Lease:
    """A token in use for one attempt. Say how it went: `succeeded`, `failed`, or `dropped` where nobody can tell.

    `probes` names the rests that this attempt puts to the test; nobody else uses the token for them meanwhile.
    """

    standing: Standing
    pool: Pool
    model: str
    probes: Collection[str] = ()

    @property
    def token(self) -> Token:
        return self.standing.token

    def succeeded(self) -> None:
        """It answers: the rests that were put to the test are over. Those that began since are others' to judge."""
        for key in self.probes:
            self.standing.rests.pop(key, None)
        self.probes = ()

    def failed(self, error: UpstreamError) -> None:
        self.pool.blame(self, error)
        self.dropped()

    def dropped(self) -> None:
        for key in self.probes:
            self.standing.rests[key].probing = False
        self.probes = ()


class Pool:
    """The tokens of one provider, used in turn from a random start, so that instances do not march in step."""

    def __init__(
        self,
        tokens: Sequence[Token] = (),
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._standings = [Standing(token) for token in tokens]
        self._next = int(jitter() * 1_000_000)

    def replace(self, tokens: Sequence[Token]) -> None:
        """Take over a new set of credentials; those that stayed keep their state, whatever their label is now."""
        known = self._standings
        self._standings = [
            Standing(token, next((standing.rests for standing in known if standing.token == token), {}))
            for token in tokens
        ]

    def take(self, model: str, without: Collection[Token] = ()) -> Lease:
        """The next healthy token for `model` that is none of `without`.

        Raises `RateLimited` with the shortest wait where all are resting, `Unavailable` where all are out.
        """
        for _ in self._standings:
            standing = self._standings[self._next % len(self._standings)]
            self._next += 1
            rests = standing.concerning(model)
            if standing.token not in without and all(self._usable(rest) for rest in rests.values()):
                for rest in rests.values():
                    rest.probing = True
                return Lease(standing, self, model, tuple(rests))
        raise self._exhausted(model, without)

    def wait(self, model: str, without: Collection[Token] = ()) -> float | None:
        """Seconds until one of the other tokens can be tried again; None where none will recover by waiting."""
        waits = [
            max(rest.until - self._clock() for rest in rests)
            for standing in self._standings
            if standing.token not in without
            and (rests := standing.concerning(model).values())
            and not any(rest.disabled for rest in rests)
        ]
        return max(min(waits), 0.0) if waits else None

    def blame(self, lease: Lease, error: UpstreamError) -> None:
        """Draw the consequences of a failure for the token that was used."""
        match error.blame:
            case Blame.COOL:
                self._rest(lease, lease.model, error, error.retry_after)
            case Blame.QUOTA:
                self._rest(lease, ANY_MODEL, error, max(error.retry_after or 0.0, QUOTA_COOL))
            case Blame.DENY:
                self._rest(lease, lease.model, error, LONG_PROBE, disabled=True)
            case Blame.DISABLE:
                can_change = lease.token.secret or lease.token.others
                self._rest(lease, ANY_MODEL, error, LONG_PROBE if can_change else None, disabled=True)
            case Blame.NOTHING:
                pass

    def states(self) -> list[tuple[Token, str, Rest]]:
        """Every token that rests, with the model this concerns (all: "") and the rest, for people to look at."""
        return [(standing.token, model, rest) for standing in self._standings for model, rest in standing.rests.items()]

    def all_states(self) -> list[tuple[Token, dict[str, Rest]]]:
        """Every token with its rests by model, for people to look at."""
        return [(standing.token, dict(standing.rests)) for standing in self._standings]

    def _rest(
        self, lease: Lease, model: str, error: UpstreamError, seconds: float | None, *, disabled: bool = False
    ) -> None:
        """Lay the token to rest, for longer each time. Requests that were under way together fail only once."""
        rest = lease.standing.rests.setdefault(model, Rest())
        is_news = rest.until <= self._clock() or model in lease.probes
        rest.failures += is_news
        if seconds is None:
            doubled = FIRST_COOL * 2 ** min(rest.failures - 1, MOST_DOUBLINGS)
            seconds = min(doubled * (1 + self._jitter() / 4), LONGEST_COOL)
        rest.until = max(rest.until, self._clock() + seconds)
        rest.disabled = disabled or (rest.disabled and not is_news)
        rest.reason = error.code or ""

    def _usable(self, rest: Rest) -> bool:
        return not rest.probing and rest.until <= self._clock()

    def _exhausted(self, model: str, without: Collection[Token]) -> ChatError:
        wait = self.wait(model, without)
        if wait is None:
            return Unavailable(
                "No usable token is left for this upstream.",
                type="upstream_error",
                code="upstream_credentials_unavailable",
            )
        return RateLimited("Every token of this upstream is resting.", retry_after=max(wait, 1.0))
