"""What this instance knows about itself, as JSON: never a credential, a prompt or an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from core.chat.errors import ChatError
from core.chat.ports import CreditProvider, Token
from core.chat.requests import Json
from core.cockpit.place import Place
from core.gateway.activity import Activity, Entry
from core.gateway.catalogue import Listed
from core.gateway.gateway import Gateway
from core.gateway.tokens import Rest
from core.gateway.upstreams import Upstream

RECENT = 20
CREDIT_TIMEOUT = 10.0


def status(activity: Activity, place: Place, url: str, now: float) -> Json:
    """`first_event_ms` is the median of the last answers."""
    firsts = [entry.record.first_event for entry in activity.newest_first()[:RECENT]]
    known = [first for first in firsts if first is not None]
    return {
        "name": "any2api",
        "version": _version(),
        "platform": place.platform,
        "region": place.region,
        "url": url or None,
        "started_at": round(activity.since, 3),
        "uptime_seconds": round(now - activity.since, 3),
        "requests": activity.total,
        "first_event_ms": _milliseconds(median(known)) if known else None,
    }


async def providers(gateway: Gateway) -> list[Json]:
    return [await _provider(upstream) for upstream in gateway.upstreams.values()]


async def credit(gateway: Gateway) -> list[Json]:
    """What is left on the account of each token, asked of those upstreams that can tell, all at once."""
    asking = [
        _credit(upstream.name, upstream.provider, token)
        for upstream in gateway.upstreams.values()
        if isinstance(upstream.provider, CreditProvider) and await _problem(upstream) is None
        for token, _ in upstream.pool.all_states()
    ]
    return list(await asyncio.gather(*asking))


async def models(gateway: Gateway) -> list[Json]:
    return [_model(listed, gateway.upstreams[listed.provider]) for listed in await gateway.list_models()]


def requests(entries: Sequence[Entry], redact: Callable[[str], str]) -> list[Json]:
    return [_request(entry, redact) for entry in entries]


async def _provider(upstream: Upstream) -> Json:
    problem = await _problem(upstream)
    verdict = upstream.health.verdict
    return {
        "name": upstream.name,
        "kind": upstream.kind,
        "benched": upstream.health.benched,
        "reason": verdict.code if verdict else None,
        "problem": problem,
        "models": None if upstream.models is None else len(upstream.models),
        "tokens": [_token(token, rests) for token, rests in upstream.pool.all_states()],
    }


async def _problem(upstream: Upstream) -> str | None:
    """Why its tokens cannot be read."""
    try:
        await upstream.load_tokens()
    except ChatError as error:
        return error.message
    return None


async def _credit(name: str, provider: CreditProvider, token: Token) -> Json:
    told: dict[str, Json] = {"provider": name, "token": token.label}
    try:
        async with asyncio.timeout(CREDIT_TIMEOUT):
            left = await provider.credit(token)
    except Exception as error:  # noqa: BLE001  # a provider is code that others add: only its own line may fail with it
        return {**told, "problem": getattr(error, "code", None) or type(error).__name__}
    return {**told, "remaining": left.remaining, "allowance": left.allowance, "unit": left.unit}


def _token(token: Token, rests: dict[str, Rest]) -> Json:
    """A token is as well as its worst rest that concerns all models; those of single models stand beside it."""
    return {
        "label": token.label,
        **_state(rests.get("")),
        "models": [{"model": model, **_state(rest)} for model, rest in rests.items() if model],
    }


def _state(rest: Rest | None) -> dict[str, Json]:
    if rest is None:
        return {"state": "ready", "until": None, "reason": None}
    left = rest.until - time.monotonic()
    state = "disabled" if rest.disabled else "resting" if left > 0 else "on trial"
    return {"state": state, "until": round(time.time() + left) if left > 0 else None, "reason": rest.reason or None}


def _model(listed: Listed, upstream: Upstream) -> Json:
    chats = listed.info.kind == "chat"
    return {
        "id": listed.id,
        "provider": listed.provider,
        "kind": listed.info.kind,
        "upstream_model": listed.info.model,
        "owner": listed.info.owner or None,
        "description": listed.info.description or None,
        "context_length": listed.info.context_length,
        "max_output_tokens": listed.info.max_output_tokens,
        "tools": _tools(listed, upstream) if chats else None,
        "images": chats and upstream.provider.capabilities.images,
    }


def _tools(listed: Listed, upstream: Upstream) -> str | None:
    """Whether the upstream calls them itself, or we do it in its place."""
    if upstream.emulates_tools(listed.id, listed.info.model):
        return "emulated"
    return "native" if upstream.provider.capabilities.tools else None


def _request(entry: Entry, redact: Callable[[str], str]) -> Json:
    record, usage = entry.record, entry.record.usage
    return {
        "at": round(entry.at, 3),
        "request_id": entry.request_id,
        "path": redact(entry.path),
        "status": entry.status,
        "caller": record.caller,
        "model": redact(record.model),
        "provider": record.provider or None,
        "token": record.token or None,
        "attempts": record.attempts,
        "first_event_ms": _milliseconds(record.first_event),
        "total_ms": _milliseconds(entry.seconds),
        "finish": record.finish or None,
        "error": record.error or None,
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "usage_estimated": usage.estimated if usage else None,
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _version() -> str | None:
    try:
        return version("any2api")
    except PackageNotFoundError:  # a platform may run the files without having installed them
        return None
