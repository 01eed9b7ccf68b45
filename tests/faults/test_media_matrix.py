"""Every API that is no chat, with every kind of provider: what passes, and how it fails.

What a kind makes, and how, stands in media_kinds.py; that it can make nothing else is read from its code.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module

import pytest

import core.providers
from tests.faults import media_kinds as upstreams
from tests.faults.media_apis import OPERATIONS, Operation, done, job_of, sealed
from tests.faults.media_kinds import FIRST, MAKERS, Fault, Made, Maker
from tests.faults.stage import Stage, refused
from tests.faults.test_matrix import parts_of
from tests.support.caller import Said, calling
from tests.support.upstream import Seen, Wire

Cell = tuple[str, str]
WITH = [(name, kind) for name in OPERATIONS for kind, maker in MAKERS.items() if name in maker.can]
WITHOUT = [(name, kind) for name in OPERATIONS for kind in MAKERS if (name, kind) not in WITH]
OVER_A_WIRE = [(name, kind) for name, kind in WITH if name in MAKERS[kind].makes]
STREAMED = [(name, kind) for name, kind in OVER_A_WIRE if OPERATIONS[name].streams]
WHOLE = [cell for cell in OVER_A_WIRE if cell not in STREAMED]
MISCAST = [(name, kind) for name, kind in WITH if MAKERS[kind].models and OPERATIONS[name].body is not None]


def cells(among: list[Cell]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("name", "kind"), among, ids=[f"{name}, {kind}" for name, kind in among])


async def asked(here: Stage, operation: Operation) -> Said:
    return await here.send(operation.request(here.url, await job_of(here, operation)))


def times(here: Stage, name: str, maker: Maker) -> int:
    """How often the upstream was asked for just this."""
    return sum(maker.asked(seen) == name for seen in here.a.seen)


# What passes


def test_no_kind_is_forgotten_and_each_has_what_it_can():
    assert parts_of(core.providers) == set(MAKERS)
    for kind, maker in MAKERS.items():
        provider = import_module(f"core.providers.{kind}").Provider
        assert {name for name, each in OPERATIONS.items() if issubclass(provider, each.port)} == maker.can


@cells(WITH)
async def test_a_good_answer(cast, name, kind):
    operation, maker = OPERATIONS[name], MAKERS[kind]
    async with cast(name, kind) as here:
        job = await job_of(here, operation)
        if name == "film fetched":
            await done(here, job)
        said = await here.send(operation.request(here.url, job))
    made = maker.makes.get(name)
    operation.check(said, said.content if made is None else made.content)
    assert said.headers["content-type"] == ("application/json" if operation.schema else MEDIA_TYPES[name, kind])
    assert times(here, name, maker) == (made is not None)
    assert here.a.accepted or not maker.makes


MEDIA_TYPES = {
    ("speech", "openai"): "audio/mpeg",
    ("speech", "puter"): "audio/mpeg",
    ("speech", "demo"): "audio/wav",
    ("film fetched", "openai"): "video/mp4",
    ("film fetched", "puter"): "video/mp4",
    ("film fetched", "demo"): "video/mp4",
}


@cells(WITHOUT)
async def test_what_a_kind_cannot_is_refused_and_troubles_nobody(cast, name, kind):
    async with cast(name, kind) as here:
        said = await here.send(OPERATIONS[name].request(here.url, sealed(here)))
    refused(said, 400, "unsupported_model")
    assert said.json["error"]["param"] == "model"
    assert here.a.accepted == 0


@cells(MISCAST)
async def test_a_model_that_makes_something_else_is_refused(cast, name, kind):
    async with cast(name, kind, models={"m": "demo/echo"}) as here:
        said = await here.send(OPERATIONS[name].request(here.url, ""))
    refused(said, 400, "unsupported_model")
    assert said.json["error"]["param"] == "model"


# How it fails while there is no answer yet

EARLY = {
    "limited": (429, "rate_limited"),
    "locked": (503, "upstream_credentials_unavailable"),
    "broken": (502, "upstream_http_500"),
    "page": (502, "upstream_bad_response"),
    "nothing": (502, "upstream_empty"),
    "gone": (502, "upstream_unreachable"),
}
REFUSALS = {"limited", "locked"}
REFUSED = {EARLY[fault][1] for fault in REFUSALS}


@pytest.mark.parametrize("fault", EARLY)
@cells(OVER_A_WIRE)
async def test_before_the_answer_a_failure_is_a_status(cast, name, kind, fault):
    operation, maker = OPERATIONS[name], MAKERS[kind]
    status, code = EARLY[fault]
    if name in maker.elsewhere and fault != "nothing":
        status, code = 502, "upstream_bad_response"
    async with cast(name, kind, getattr(upstreams, fault)) as here:
        said = await asked(here, operation)
    refused(said, status, code, after=13 if status == 429 else None)
    assert "www-authenticate" not in said.headers
    check_frugality(said, here, name, kind, tried_again=fault not in REFUSALS)


def check_frugality(said: Said, here: Stage, name: str, kind: str, *, tried_again: bool) -> None:
    """What may have cost something was asked for once, and the caller's client is told not to try by itself."""
    operation, maker = OPERATIONS[name], MAKERS[kind]
    once = operation.costly or maker.never_twice or not tried_again
    if name not in maker.elsewhere:  # there it costs nothing
        assert (times(here, name, maker) == 1) == once
    may_have_cost = operation.costly and said.json["error"]["code"] not in REFUSED
    assert (said.headers.get("x-should-retry") == "false") == may_have_cost


@pytest.mark.parametrize("fault", ["cut", "short", "reset"])
@cells(WHOLE)
async def test_half_of_an_answer_is_none(cast, name, kind, fault):
    async with cast(name, kind, getattr(upstreams, fault)) as here:
        said = await asked(here, OPERATIONS[name])
    refused(said, 502, "upstream_truncated")
    check_frugality(said, here, name, kind, tried_again=True)


@pytest.mark.parametrize(
    ("name", "kind", "fault"),
    [(*cell, fault) for cell in OVER_A_WIRE for fault in ("silent", "stalled") if fault == "silent" or cell in WHOLE],
)
async def test_an_upstream_that_falls_silent_is_left_at_the_deadline(cast, name, kind, fault):
    async with cast(name, kind, getattr(upstreams, fault)) as here:
        job = await job_of(here, OPERATIONS[name])
        make_impatient(here, total_timeout=0.2)
        said = await here.send(OPERATIONS[name].request(here.url, job))
        await here.a.connections(0)
    refused(said, 504, "deadline_exceeded")
    check_frugality(said, here, name, kind, tried_again=False)


def make_impatient(here: Stage, **seconds: float) -> None:
    """From now on, and not while a job is begun."""
    here.gateway.settings = replace(here.gateway.settings, **seconds)


# How it fails once an answer has begun


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cut", "upstream_truncated"),
        ("short", "upstream_truncated"),
        ("reset", "upstream_truncated"),
        ("stalled", "upstream_timeout"),
    ],
)
@cells(STREAMED)
async def test_after_the_first_bytes_a_failure_breaks_the_connection(cast, name, kind, fault, code):
    """Half of a film must not be taken for the whole."""
    async with cast(name, kind, getattr(upstreams, fault)) as here:
        job = await job_of(here, OPERATIONS[name])
        make_impatient(here, idle_timeout=0.2)
        said = await here.send(OPERATIONS[name].request(here.url, job))
        await here.a.connections(0)
    assert (said.status, said.content) == (200, MAKERS[kind].makes[name].content[:FIRST])
    assert not said.is_complete
    assert times(here, name, MAKERS[kind]) == 1
    assert here.entries()[-1]["error"] == code


@cells(STREAMED)
async def test_a_caller_who_knows_no_chunks_sees_that_half_is_missing(cast, name, kind):
    """To HTTP/1.0, which many a proxy speaks, the end of the connection alone would be a good end."""
    content = MAKERS[kind].makes[name].content
    async with cast(name, kind, upstreams.short) as here:
        sent = OPERATIONS[name].request(here.url, await job_of(here, OPERATIONS[name]))
        said = await here.send(sent.replace(b" HTTP/1.1", b" HTTP/1.0", 1))
    assert (said.status, said.content) == (200, content[:FIRST])
    assert int(said.headers["content-length"]) == len(content)


# Callers


@pytest.mark.parametrize(
    ("name", "kind", "fault"),
    [(*cell, fault) for cell in OVER_A_WIRE for fault in ("silent", "stalled")],
)
async def test_a_caller_who_leaves_frees_the_upstream(cast, name, kind, fault):
    operation = OPERATIONS[name]
    async with cast(name, kind, getattr(upstreams, fault), idle_timeout=30) as here:
        sent = operation.request(here.url, await job_of(here, operation))
        async with calling(here.url, sent) as reader:
            if fault == "stalled" and operation.streams:
                await reader.readuntil(MAKERS[kind].makes[name].content[:FIRST])
            await here.until(lambda: times(here, name, MAKERS[kind]) == 1)
        await here.a.connections(0)
        assert here.rests == {}
    assert here.entries()[-1]["status"] == 499
    assert "error" not in here.entries()[-1]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_key_is_looked_at_before_anything_else(cast, name):
    """Of the body nothing has come yet, and nothing will."""
    wrong = {"Authorization": "Bearer wrong", "Content-Length": "100", "Content-Type": "text/x"}
    async with cast(name, "openai") as here:
        sent = OPERATIONS[name].request(here.url, "x", headers=wrong)
        said = await here.send(sent.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    refused(said, 401, "invalid_api_key")
    assert here.a.accepted == 0


@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_nobody_has_is_not_found(cast, name):
    async with cast(name, "openai") as here:
        said = await here.send(OPERATIONS[name].request(here.url, "video_x", model="a/nobody"))
    refused(said, 404, "model_not_found" if OPERATIONS[name].body else "job_not_found")
    assert here.a.accepted == 0


# What nobody may see


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
@cells(OVER_A_WIRE)
async def test_an_upstream_that_tells_our_secrets_and_its_own_address_is_not_quoted(cast, name, kind, status):
    """In no part of an error, and in no line of the log; the stage itself looks for the secrets."""
    async with cast(name, kind, indiscreet(status)) as here:
        said = await asked(here, OPERATIONS[name])
        address = here.a.url.removeprefix("http://")
    assert said.status >= 400
    assert address not in said.raw.decode() + "\n".join(here.log)


def indiscreet(status: int) -> Fault:
    """Quotes all that it knows of us, wherever it can."""

    async def fault(maker: Maker, made: Made, seen: Seen, wire: Wire) -> None:
        known = f"{seen.headers.get('authorization')} {seen.headers.get('x-extra')} http://{seen.headers['host']}/v1"
        error = {"message": known, "type": known, "code": known, "param": known}
        await wire.reply(status, json.dumps({"error": error, "message": known}), x_debug=known)

    return fault
