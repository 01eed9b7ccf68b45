"""Faults in what the chunks say: the JSON is sound, its meaning is not what OpenAI's dialect promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from core.chat.requests import Json
from core.providers.demo.asked import Asked
from core.providers.demo.connection import Connection
from core.providers.demo.faults.fault import SPOILT, Fault, Script, deliver, reply, stream
from core.providers.demo.replies import Chunk, Delta, Reply, chunks, pieces
from core.providers.demo.voices import Call, call_deltas

_PARIS: Final = Call("call_paris", "get_weather", '{"city": "Paris"}')
_OSLO: Final = Call("call_oslo", "get_weather", '{"city": "Oslo"}')


def say(deltas: Sequence[Delta], finish: str | None = "stop") -> Script:
    async def script(connection: Connection, asked: Asked) -> None:
        await deliver(connection, asked, pieces(asked, chunks(asked, Reply(deltas, finish))))

    return script


def edited(edit: Callable[[list[Chunk]], list[Chunk]]) -> Script:
    async def script(connection: Connection, asked: Asked) -> None:
        await deliver(connection, asked, pieces(asked, edit(stream(asked))))

    return script


def call(change: Callable[[Json], Json], calls: Sequence[Call] = (_PARIS, _OSLO), finish: str = "tool_calls") -> Script:
    """Tool calls of which every fragment was changed."""
    deltas = [{"tool_calls": [change(fragment) for fragment in delta["tool_calls"]]} for delta in call_deltas(calls)]
    return say(deltas, finish)


def call_with(arguments: str) -> Script:
    return call(dict, [Call("call_paris", "get_weather", arguments)])


def without(name: str) -> Callable[[Json], Json]:
    return lambda fragment: {key: value for key, value in fragment.items() if key != name}


def with_index(make: Callable[[int], Json]) -> Callable[[Json], Json]:
    return lambda fragment: {**fragment, "index": make(fragment["index"])}


def with_one_id(fragment: Json) -> Json:
    return {**fragment, "id": "call_same"} if "id" in fragment else fragment


def usage(prompt: Json, completion: Json) -> Callable[[list[Chunk]], list[Chunk]]:
    """Other counts, also where none were asked for."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return lambda made: [*without_usage(made), {**made[0], "choices": [], "usage": counts}]


def without_usage(made: list[Chunk]) -> list[Chunk]:
    return [chunk for chunk in made if "usage" not in chunk]


def usage_everywhere(made: list[Chunk]) -> list[Chunk]:
    plain = without_usage(made)
    return [
        {**chunk, "usage": {"prompt_tokens": 3, "completion_tokens": max(1, min(said, 10))}}
        for said, chunk in enumerate(plain)
    ]


def everything_twice(made: list[Chunk]) -> list[Chunk]:
    """Role and finish come twice; the text does not."""
    return [chunk for chunk in made for _ in range(1 if _is_text(chunk) else 2)]


def _is_text(chunk: Chunk) -> bool:
    return any(choice["delta"].get("content") for choice in chunk["choices"])


async def damage_arguments(connection: Connection, asked: Asked) -> None:
    made = chunks(asked, Reply(call_deltas([_PARIS]), "tool_calls"))
    await deliver(connection, asked, [piece.replace(b"Par", b"P\xffr") for piece in pieces(asked, made)])


def _texts(*texts: str) -> list[Mapping[str, Json]]:
    return [{"content": text} for text in texts]


_TEN: Final = reply().deltas

ESTIMATED: Final = "a normal answer with estimated usage"
TWO_CALLS: Final = "two tool calls, each with its own id and arguments"

# fmt: off
CONTENTS: Final = (
    Fault("fault-no-finish", "gives no finish reason, only [DONE]",
          "a normal answer that finished with stop", say(_TEN, None)),
    Fault("fault-finish-foreign", "finishes with “eos”",
          "a normal answer that finished with stop", say(_TEN, "eos")),
    Fault("fault-finish-max-tokens", "finishes with “MAX_TOKENS”",
          "a normal answer that finished with length", say(_TEN, "MAX_TOKENS")),
    Fault("fault-double-finish", "takes the role twice and finishes twice",
          "a normal answer that finished once", edited(everything_twice)),
    Fault("fault-usage-strings", "counts tokens in strings",
          "a normal answer with these counts as numbers", edited(usage("3", "10"))),
    Fault("fault-usage-negative", "counts a negative number of tokens",
          ESTIMATED, edited(usage(-1, -1))),
    Fault("fault-usage-missing", "counts nothing though it was asked to",
          ESTIMATED, edited(without_usage)),
    Fault("fault-usage-everywhere", "counts again in every chunk",
          "a normal answer with the last counts, once", edited(usage_everywhere)),
    Fault("fault-surrogates-split", "splits an emoji over two events",
          "a normal answer with the emoji whole", say(_texts("a fox: ", "\ud83e", "\udd8a", " runs"))),
    Fault("fault-tool-args-broken", "writes a tool's arguments in Python",
          "the tool call with its arguments as they came", call_with("{'city': 'Paris',}")),
    Fault("fault-tool-args-invalid-utf8", "sends bytes that are no UTF-8 in a tool's arguments",
          SPOILT, damage_arguments),
    Fault("fault-tool-index-missing", "calls two tools without an index",
          TWO_CALLS, call(without("index"))),
    Fault("fault-tool-index-null", "calls two tools with a null index",
          TWO_CALLS, call(with_index(lambda _: None))),
    Fault("fault-tool-index-repeated", "calls two tools with the same index",
          TWO_CALLS, call(with_index(lambda _: 0))),
    Fault("fault-tool-index-float", "calls two tools with a float for an index",
          TWO_CALLS, call(with_index(float))),
    Fault("fault-tool-id-missing", "calls two tools without ids",
          TWO_CALLS, call(without("id"))),
    Fault("fault-tool-id-duplicate", "calls two tools with the same id",
          TWO_CALLS, call(with_one_id)),
    Fault("fault-tool-finish-stop", "calls tools and finishes with “stop”",
          "two tool calls that finished with tool_calls", call(dict, finish="stop")),
)
# fmt: on
