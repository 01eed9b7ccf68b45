"""Every API for chats, with every kind of provider, streamed and whole: what passes, and how it fails.

Completions know neither tools nor reasoning. A kind that knows only text calls tools and thinks in words, which are for
us to read.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import core.api
import core.providers
from core.providers.demo.faults.fault import TEXT
from tests.faults.apis import APIS, Api, Outcome
from tests.faults.kinds import CALL, KINDS, InWords, Kind
from tests.faults.media_apis import OPERATIONS
from tests.faults.stage import in_turn, refusal, replies, says
from tests.faults.test_d3_streams import breaks
from tests.support.caller import request
from tests.support.upstream import Script, Seen, Wire

CALLED = json.dumps({"name": "get", "arguments": CALL})
CASES = ("text", "reasoning", "call", "failure early", "failure late")
CELLS = [(api, kind, case) for api in APIS for kind in KINDS for case in CASES]
BESIDE = {"models", "health", "shared"}
"""What stands in core/api beside the APIs that answer. Those that are no chat have a matrix of their own."""


def parts_of(package) -> set[str]:
    return {path.stem for path in Path(package.__path__[0]).iterdir() if not path.stem.startswith("_")}


def test_no_kind_and_no_api_is_forgotten():
    assert parts_of(core.providers) == set(KINDS)
    built = {part.removeprefix("chat_") for part in parts_of(core.api) - BESIDE}
    chats, others = set(APIS) - {"chat"}, {operation.api for operation in OPERATIONS.values()}
    assert built == chats | others
    assert not chats & others


def script_of(kind: Kind, case: str) -> Script:
    """The upstream for one cell. Where an exchange goes before the answer, it goes before a second attempt too."""
    match case:
        case _ if kind.models:
            return replies(500)
        case "failure early":
            script = refusal(500, "It broke.")
        case "failure late":
            script = breaks(kind.begun, **kind.headers)
        case "call" if isinstance(kind.call, InWords):
            return in_words(kind, kind.call)
        case _:
            script = says(*getattr(kind, case), pause=0.001, **kind.headers)
    return script if kind.first is None else in_turn(*[kind.first, script] * 3)


def in_words(kind: Kind, call: InWords) -> Script:
    """Calls in the marks that the request tells of, or the one before it; says its text where nobody told of any."""
    marks: list[bytes] = []

    async def answer(seen: Seen, wire: Wire) -> None:
        spoken = f"<{marks[-1].decode()}>{CALLED}</{marks[-1].decode()}>" if marks else ""
        await says(*(call.says(spoken) if marks else kind.text), **kind.headers)(seen, wire)

    play = answer if kind.first is None else in_turn(*[kind.first, answer] * 3)

    async def script(seen: Seen, wire: Wire) -> None:
        marks.extend(re.findall(rb"<(tool_call_[0-9a-z]+)>", seen.body))
        await play(seen, wire)

    return script


@pytest.mark.parametrize(("api", "kind", "case"), CELLS, ids=[" ".join(cell) for cell in CELLS])
async def test_a_cell(stage, streamed, api, kind, case):
    api, kind = APIS[api], KINDS[kind]
    models = [*kind.models.values()] or ["m"]
    model = f"a/{kind.models.get(case, 'm')}"
    body = api.body(model, stream=streamed, tools=case == "call")
    async with stage(script_of(kind, case), provider=kind.provider, models=models) as here:
        said = await here.send(request(here.url, body, path=api.path))
    assert said.is_complete
    outcome = api.read(said)
    if case == "failure early":
        assert (said.status, bool(outcome.error), outcome.text, outcome.end) == (502, True, "", "")
    elif case == "failure late":
        check_late_failure(said.status, outcome, kind, streamed)
    else:
        assert (said.status, outcome.error) == (200, "")
        in_words = case == "call" and api.tools is not None and isinstance(kind.call, InWords)
        assert ("tools" in said.headers.get("x-any2api-emulated", "")) == in_words
        check_answer(outcome, api, kind, case)


def check_late_failure(status: int, outcome: Outcome, kind: Kind, streamed: bool) -> None:
    assert outcome.error == "The upstream's answer stopped before its end."
    assert outcome.end == ""
    assert status == (200 if streamed else 502)
    if not streamed:
        assert outcome.text == ""
    elif kind.models:  # the demo cuts its ten words somewhere in the middle
        assert outcome.text
        assert TEXT.startswith(outcome.text)
    else:
        assert outcome.text == "Hello"


def check_answer(outcome: Outcome, api: Api, kind: Kind, case: str) -> None:
    called = case == "call" and api.tools is not None
    assert outcome.end == api.ends[called]
    assert outcome.calls == ([("get", CALL)] if called else [])
    if case == "reasoning":
        assert bool(outcome.reasoning) == api.shows_reasoning
        assert outcome.reasoning in {"", "hm"} or kind.models
    if case != "call":
        assert outcome.text.endswith("Hello")
