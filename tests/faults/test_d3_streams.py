"""What can be wrong with the bytes of an answer, rows 38 to 63, seen by the caller.

Elsewhere: row 46 and rows 47 to 50 in full are properties of the framings and decoders, under tests/wire and
tests/dialects; here each is seen once from outside. Rows 52, 54 and 55 (other framings, cumulative text, markup in the
text) are settings of the kind `declared`, under tests/dialects/declared. Of row 63, a whole answer is bounded by R7.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tracemalloc
import zlib

import pytest

from core.api.shared import reply
from core.dialects import openai_exchange
from tests.faults.stage import (
    DONE,
    END,
    GOOD,
    HELLO,
    answered,
    delta,
    event,
    failed,
    in_turn,
    refused,
    replies,
    says,
    text,
)
from tests.support.upstream import Seen, Wire

FINISH = delta("stop")
WHOLE = {"choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}
MEBIBYTE = 1024 * 1024


def breaks(*pieces: bytes, reset: bool = False, **headers: str):
    """A chunked stream that ends with its connection."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(**{"content_type": "text/event-stream", **headers})
        for piece in pieces:
            await wire.chunk(piece)
        if reset:
            await asyncio.sleep(0.05)  # a reset overtakes what was sent before it
            wire.reset()
        else:
            wire.close()

    return script


def raw(head: str, body: bytes):
    """These bytes, then the end of the connection."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
        wire.close()

    return script


# Answers that stop


@pytest.mark.parametrize(
    "script",
    [
        says(HELLO),
        raw("Content-Type: text/event-stream\r\nConnection: close", HELLO),
        breaks(HELLO),
        raw("Content-Type: text/event-stream\r\nContent-Length: 100000", HELLO),
        raw("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked", b"%x\r\n%s" % (len(HELLO) + 9, HELLO)),
        breaks(HELLO, reset=True),
    ],
    ids=["38 clean", "38 until close", "39 no last chunk", "39 short length", "39 half a chunk", "40 reset"],
)
async def test_an_answer_that_stops_in_the_middle(stage, streamed, script):
    """Rows 38 to 40: never an answer that looks whole, never a part of one; no token suffers, the upstream does."""
    async with stage(script) as here:
        for _ in range(3):
            assert not here.kept().health.benched
            failed(await here.ask(stream=streamed), 502, "upstream_truncated", streamed=streamed)
        assert here.kept().health.benched
        assert len(here.a.seen) == 3, "what was begun is not begun again"
        assert here.rests == {}
    for entry in here.entries():
        assert (entry["error"], entry["usage_estimated"], entry["attempts"]) == ("upstream_truncated", True, 1)
        assert entry["completion_tokens"] == 2
        assert "finish" not in entry


@pytest.mark.parametrize("cut", [10, 60])
async def test_a_whole_answer_that_is_cut_short(stage, streamed, cut):
    """Row 39: half of a JSON is nothing; once more, then an error."""
    body = json.dumps(WHOLE).encode()
    script = raw(f"Content-Type: application/json\r\nContent-Length: {len(body)}", body[:cut])
    async with stage(script) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_truncated")
        assert len(here.a.seen) == 2
    async with stage(in_turn(script, GOOD)) as here:
        answered(await here.ask(stream=streamed))


async def test_a_stop_before_the_first_word_can_be_tried_again(stage, streamed):
    """Rows 38 to 40, before the commit point."""
    for script in (breaks(delta(role="assistant")), breaks(reset=True)):
        async with stage(in_turn(script, GOOD)) as here:
            answered(await here.ask(stream=streamed))


async def test_a_stall_in_mid_answer(stage, streamed):
    """Row 41: an error at the limit, and the upstream's connection is closed."""
    async with stage(says(HELLO, ends=False)) as here:
        failed(await here.ask(stream=streamed), 504, "upstream_timeout", streamed=streamed, saying="sent nothing")
        await here.a.connections(0)
        assert here.rests == {}


async def test_a_stall_is_filled_with_comments(stage, monkeypatch):
    """Row 41: the line stays open, and the answer goes on."""
    monkeypatch.setattr(reply, "KEEP_ALIVE", 0.05)
    gate = asyncio.Event()

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(HELLO)
        await gate.wait()
        await wire.chunk(END)
        await wire.finish()

    async with stage(script, idle_timeout=10, commit_after=0.05) as here, here.asking() as reader:
        await reader.readuntil(b"lo")
        await reader.readuntil(b": keep-alive\n\n")
        await reader.readuntil(b": keep-alive\n\n")
        gate.set()
        assert (await reader.read()).count(b"[DONE]") == 1


# Ends that are odd


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (says(HELLO, FINISH), "no DONE"),
        (breaks(HELLO, FINISH), "no DONE and a cut"),
        (breaks(HELLO, FINISH, reset=True), "no DONE and a reset"),
        (says(HELLO, FINISH, ends=False), "no DONE and silence"),
        (says(HELLO, DONE), "no reason"),
        (says(HELLO, END, text("more"), DONE), "data after DONE"),
        (says(HELLO, END, ends=False), "no end after DONE"),
        (says(HELLO, END, DONE, DONE), "several DONEs"),
        (says(delta(role="assistant"), HELLO, FINISH, FINISH, END, END), "all twice"),
        (says(text("Hel"), event(b"{broken"), text("lo"), event(b"{broken"), END), "43 malformed"),
        (says(text("Hel"), event(b"[]"), event(b"null"), event({"choices": []}), text("lo"), END), "strange events"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_end_that_is_lawful_enough(stage, streamed, script, what, monkeypatch):
    """Rows 42 to 45."""
    monkeypatch.setattr(openai_exchange, "AFTERTHOUGHT", 0.05)
    async with stage(script) as here:
        said = await here.ask(stream=streamed)
        answered(said)
        if streamed:
            assert said.all_of("role") == "assistant"


async def test_an_event_after_the_other_that_cannot_be_read(stage, streamed):
    """Row 45: a row of them is another dialect."""
    async with stage(says(HELLO, event(b"{x") * 3, END)) as here:
        failed(await here.ask(stream=streamed), 502, "upstream_bad_response", streamed=streamed)


async def test_an_error_event_in_mid_answer(stage, streamed):
    """Rows 31 and 38: told in the stream, with its consequences for the token."""
    error = {"error": {"message": "Slow down.", "type": "rate_limit_error"}}
    async with stage(says(HELLO, event(error), END)) as here:
        failed(await here.ask(stream=streamed), 429, "rate_limited", streamed=streamed, saying="Slow down.")
        assert list(here.rests.values()) == ["rate_limited"]


# Bytes


MIXED = "naïve 你好 🦊 e\u0301"


async def test_a_byte_at_a_time(stage, streamed):
    """Rows 46 and 48: no code point is damaged, nothing is lost."""
    body = HELLO + event(json.dumps({"choices": [{"delta": {"content": MIXED}}]}, ensure_ascii=False).encode()) + END
    async with stage(says(*(body[at : at + 1] for at in range(len(body))))) as here:
        answered(await here.ask(stream=streamed), "Hello" + MIXED)


async def test_every_liberty_of_server_sent_events(stage, streamed):
    """Row 47."""
    one = b'data: {"choices":[{"delta":\ndata: {"content":"Hel"}}]}\r\rid: 7\r\nretry: 10\r\nevent: message\r\n'
    two = b'data:{"choices":[{"delta":{"content":"lo"}}]}\n\n:comment\n\nother: field\n\n'
    async with stage(says(b"\xef\xbb\xbf" + one + two + END.replace(b"\n", b"\r\n"))) as here:
        answered(await here.ask(stream=streamed))


async def test_bytes_that_are_no_utf_8(stage, streamed):
    """Row 49: replaced in a text, refused in the arguments of a call."""
    async with stage(says(b'data: {"choices":[{"delta":{"content":"a\xff\xfeb"}}]}\n\n', END)) as here:
        answered(await here.ask(stream=streamed), "a\ufffd\ufffdb")
    call = delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a": "'}}])
    async with stage(says(call, call.replace(b'{\\"a\\": \\"', b"\xff"), END)) as here:
        said = await here.ask(stream=streamed)
        assert said.error is not None
        assert said.error["code"] == "upstream_truncated"
        assert said.finishes == []


async def test_half_a_character_waits_for_the_other_half(stage, streamed):
    """Row 50."""
    async with stage(says(text("\ud83e"), text("\udd8a"), text("!\ud83d"), END)) as here:
        said = await here.ask(stream=streamed)
        assert said.text.startswith("🦊!")
        assert said.raw.decode("utf-8")


async def test_a_giant_line(stage, streamed):
    """Row 51: bounded, in memory as well."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        await wire.chunk(b"data: ")
        for _ in range(24):
            await wire.chunk(b"x" * MEBIBYTE)

    async with stage(script, first_event_timeout=60) as here:
        tracemalloc.start()
        refused(await here.ask(stream=streamed), 502, "upstream_event_too_large")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2 * 16 * MEBIBYTE


async def test_an_endless_answer(stage, streamed):
    """R7: 64 MiB are the most that is taken from an upstream."""
    flood = text("x" * MEBIBYTE)

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        while True:
            await wire.chunk(flood)

    async with stage(script) as here:
        said = await here.ask(stream=streamed)
        assert len(said.raw) < 65 * MEBIBYTE
        assert b"The upstream's answer is longer than 64 MiB." in said.raw[-1000:]
        assert b"[DONE]" not in said.raw[-1000:]
        await here.a.connections(0)


PACKED = {
    "gzip": gzip.compress(HELLO + END),
    "deflate": zlib.compress(HELLO + END),
    "identity": HELLO + END,
}


@pytest.mark.parametrize("coding", PACKED)
async def test_compression_nobody_asked_for(stage, streamed, coding):
    """Row 53: undone; nothing of it goes on to the caller."""
    async with stage(replies(200, PACKED[coding], content_type="text/event-stream", content_encoding=coding)) as here:
        said = await here.ask(stream=streamed)
        answered(said)
        assert "content-encoding" not in said.headers
        assert here.a.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("coding", "body", "code"),
    [
        ("gzip", HELLO + END, "upstream_bad_response"),
        ("gzip", PACKED["gzip"][:30], "upstream_truncated"),
        ("br", b"\x0b\x02\x80", "upstream_bad_response"),
        ("zstd", b"\x28\xb5\x2f\xfd", "upstream_bad_response"),
        ("gzip, gzip", gzip.compress(PACKED["gzip"]), "upstream_bad_response"),
        ("gzip", gzip.compress(bytes(128 * MEBIBYTE), 9), "upstream_bad_response"),
    ],
    ids=["a lie", "half", "br", "zstd", "twice", "a bomb"],
)
async def test_compression_that_cannot_be_undone(stage, streamed, coding, body, code):
    """Row 53: half an answer may have been said by then."""
    async with stage(replies(200, body, content_type="text/event-stream", content_encoding=coding)) as here:
        said = await here.ask(stream=streamed)
        assert said.error is not None
        assert (said.error["code"], said.finishes) == (code, [])
        assert b"[DONE]" not in said.raw


# Meaning


def calls(*fragments: dict) -> bytes:
    return b"".join(delta(tool_calls=[fragment]) for fragment in fragments)


def fragment(arguments: str, **fields) -> dict:
    return {"function": {"name": "get", "arguments": arguments}, **fields}


@pytest.mark.parametrize("arguments", ["{'city': 'Paris',}", '{"city": "Par', "", "not json", '{"a": 1,}'])
async def test_arguments_that_are_no_json_go_on_as_they_are(stage, streamed, arguments):
    """Row 56."""
    async with stage(says(calls(fragment(arguments, index=0, id="c")), delta("tool_calls"), DONE)) as here:
        said = await here.ask(stream=streamed)
        assert (said.calls, said.finishes) == ([("c", "get", arguments)], ["tool_calls"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"index": 0, "id": "c1"}, {"index": 1, "id": "c2"}),
        ({"id": "c1"}, {"id": "c2"}),
        ({"index": None, "id": "c1"}, {"index": None, "id": "c2"}),
        ({"index": 0, "id": "c1"}, {"index": 0, "id": "c2"}),
        ({"index": 0.0, "id": "c1"}, {"index": 1.0, "id": "c2"}),
        ({"index": 0}, {"index": 1}),
        ({"index": 0, "id": "same"}, {"index": 1, "id": "same"}),
        ({}, {}),
    ],
    ids=["usual", "no index", "null", "repeated", "float", "no id", "one id", "neither"],
)
async def test_two_calls_stay_two_calls(stage, streamed, first, second):
    """Rows 57 and 58: each has its own id and its own arguments."""
    script = says(calls(fragment('{"n": 1}', **first), fragment('{"n": 2}', **second)), delta("tool_calls"), DONE)
    async with stage(script) as here:
        said = await here.ask(stream=streamed)
        (id_1, name_1, arguments_1), (id_2, name_2, arguments_2) = said.calls
        assert (name_1, name_2, arguments_1, arguments_2) == ("get", "get", '{"n": 1}', '{"n": 2}')
        assert id_1 != id_2
        assert id_1 == first.get("id", id_1)
        assert all(re.fullmatch(r"call_\w{24}|c1|c2|same", each) for each in (id_1, id_2))


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("safety", "content_filter"),
        ("never heard of", "stop"),
    ],
)
async def test_foreign_reasons_to_finish(stage, streamed, reason, ours):
    """Row 59."""
    async with stage(says(HELLO, delta(reason), DONE)) as here:
        answered(await here.ask(stream=streamed), finish=ours)


async def test_calls_finish_with_calls(stage, streamed):
    """Row 59."""
    async with stage(says(calls(fragment("{}", index=0, id="c")), FINISH, DONE)) as here:
        assert (await here.ask(stream=streamed)).finishes == ["tool_calls"]


def usage(prompt, completion) -> bytes:
    return event({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})


@pytest.mark.parametrize(
    ("pieces", "counts"),
    [
        ([FINISH, usage(3, 2)], (3, 2)),
        ([usage(3, 1), FINISH, usage(3, 2)], (3, 2)),
        ([FINISH, usage("3", "2")], (3, 2)),
        ([FINISH, usage(3.0, 2.0)], (3, 2)),
        ([FINISH], None),
        ([FINISH, usage(-3, 2)], None),
        ([FINISH, usage(None, 2)], None),
        ([FINISH, usage("²", "many")], None),
        ([FINISH, usage("9" * 5000, 2)], None),
        ([FINISH, usage(0, 0)], None),
        ([FINISH, event({"choices": [], "usage": [1, 2]})], None),
    ],
)
async def test_usage_of_all_kinds(stage, streamed, pieces, counts):
    """Row 60: counts that make sense, else an estimate that says so; one usage chunk."""
    async with stage(says(HELLO, *pieces, DONE)) as here:
        said = await here.ask(stream=streamed, stream_options={"include_usage": True})
        answered(said)
        found = (said.usage["prompt_tokens"], said.usage["completion_tokens"])
        assert found == (counts or (7, 2))
        assert sum(bool(each.get("usage")) for each in said.objects) == 1
        if not streamed:
            assert said.headers.get("x-usage-estimated") == (None if counts else "true")
    assert here.entries()[0].get("usage_estimated", False) == (counts is None)


@pytest.mark.parametrize("piece", [delta(role="assistant"), delta(content=""), b": ping\n\n", event({"choices": []})])
async def test_events_that_say_nothing_are_no_answer(stage, streamed, piece):
    """Row 61: they do not even buy time."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        while True:
            await wire.chunk(piece)
            await asyncio.sleep(0.02)

    async with stage(script) as here:
        refused(await here.ask(stream=streamed), 504, "upstream_timeout")
        await here.a.connections(0)


async def test_very_many_tiny_events(stage, streamed):
    """Row 62: nothing is lost, and little of it is in memory at once."""
    count = 100_000
    piece = text("x") * 1000

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        for _ in range(count // 1000):
            await wire.chunk(piece)
        await wire.chunk(END)
        await wire.finish()

    async with stage(script) as here:
        said = await here.ask(stream=streamed)
        assert said.raw.count(b"[DONE]") == streamed
        assert said.raw.count(b'"x"' if streamed else b"x" * count) == (count if streamed else 1)


async def test_a_caller_who_does_not_read(stage, monkeypatch):
    """Row 63: the upstream waits, and is left when the caller is taken for gone."""
    monkeypatch.setattr(reply, "KEEP_ALIVE", 0.1)  # how often somebody looks
    flood = text("x" * 1000) * 100
    sent = 0

    async def script(_: Seen, wire: Wire) -> None:
        nonlocal sent
        await wire.head(content_type="text/event-stream")
        while True:
            await wire.chunk(flood)
            sent += len(flood)

    async with stage(script, commit_after=0.1) as here, here.asking() as reader:
        reader._transport.pause_reading()
        await here.a.connections(1)
        await here.a.connections(0)
        assert sent < 32 * MEBIBYTE, "what nobody reads piles up in the sockets only"
        assert here.rests == {}
    assert [(entry["status"], "error" in entry) for entry in here.entries()] == [(499, False)]


async def test_several_choices_and_a_caller_who_does_not_read(stage, monkeypatch):
    """Row 63, for answers that are opened side by side."""
    monkeypatch.setattr(reply, "KEEP_ALIVE", 0.1)

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(content_type="text/event-stream")
        while True:
            await wire.chunk(text("x" * 1000) * 100)

    async with stage(script, commit_after=0.1) as here, here.asking(n=3) as reader:
        reader._transport.pause_reading()
        await here.a.connections(3)
        await here.a.connections(0)
    assert [entry["status"] for entry in here.entries()] == [499]


async def test_several_choices_of_which_one_fails(stage, streamed):
    """Rows 38 and 41: the others end with it, at once."""
    gate = asyncio.Event()
    left = ["fails", "stalls", "stalls"]

    async def script(seen: Seen, wire: Wire) -> None:
        if left.pop() == "stalls":
            await says(HELLO, ends=False)(seen, wire)
        else:
            await gate.wait()
            await says(HELLO)(seen, wire)

    for_ever = {"first_event_timeout": 1000, "idle_timeout": 1000, "total_timeout": 1000}
    async with stage(script, **for_ever) as here:
        asking = asyncio.create_task(here.ask(stream=streamed, n=3))
        await here.until(lambda: not left)
        gate.set()
        said = await asking
        assert said.error is not None
        assert said.error["code"] == "upstream_truncated"
        assert said.finishes == []
        await here.a.connections(1)  # the one that ended its answer in good HTTP waits for the next request
