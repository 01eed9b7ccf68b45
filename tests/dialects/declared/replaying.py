"""What an answer comes to, what was said before a failure included, and whether that is what a recording means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from core.chat.completion import Collector, Completion
from core.chat.errors import UpstreamError
from core.chat.events import StreamEvent
from core.chat.options import Options
from core.chat.requests import ToolCall
from core.dialects.declared.decoder import Decoder
from core.dialects.declared.response import Response
from core.dialects.declared.response_reading import read_response
from core.dialects.inline import Transform, TransformedDecoder
from core.wire.decoding import Decoder as AnyDecoder
from core.wire.frames import Frame, Framing


@dataclass
class Outcome:
    completion: Completion
    error: UpstreamError | None


def described(**table: Any) -> Response:
    """A description from its table, given as keywords."""
    return read_response(Options("response", table))


def replayed(response: Response, chunks: list[bytes], transform: Callable[[], Transform] | None = None) -> Outcome:
    """What `chunks` come to; a body that begins like JSON is read as such, as the provider does."""
    start = chunks[0].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] if chunks else b""
    response = response.for_answer(start, "")
    decoder: AnyDecoder = Decoder(response)
    if transform:
        decoder = TransformedDecoder(decoder, transform)
    return collected(chunks, response.new_framing(), decoder)


def collected(chunks: Iterable[bytes], framing: Framing, decoder: AnyDecoder) -> Outcome:
    collector = Collector()
    error = None
    try:
        for event in _events(chunks, framing, decoder):
            collector.add(event)
    except UpstreamError as failure:
        error = failure
    return Outcome(collector.completion(), error)


def _events(chunks: Iterable[bytes], framing: Framing, decoder: AnyDecoder) -> Iterator[StreamEvent]:
    for frame in _frames(chunks, framing):
        yield from decoder.decode(frame)
        if decoder.finished:
            return
    yield from decoder.end()


def _frames(chunks: Iterable[bytes], framing: Framing) -> Iterator[Frame]:
    for chunk in chunks:
        yield from framing.feed(chunk)
    yield from framing.end()


def check(outcome: Outcome, expect: dict[str, Any]) -> None:
    """That an outcome is what a recording says it means."""
    answer, finish = outcome.completion, outcome.completion.finish
    assert answer.text == expect["text"]
    assert answer.reasoning == expect["reasoning"]
    assert answer.images == expect["images"]
    _check_calls(answer.tool_calls, expect["tool_calls"])
    assert (finish.reason if finish else "error" if answer.text else None) == expect["finish_reason"]
    _check_usage(outcome, expect["usage"])
    _check_error(outcome.error, expect["error"])


def _check_calls(calls: list[ToolCall], expected: list[dict[str, Any]]) -> None:
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        (call["name"], call["arguments"]) for call in expected
    ]
    for call, wanted in zip(calls, expected, strict=True):
        assert call.call_id == wanted["id"] if wanted["id"] else call.call_id


def _check_usage(outcome: Outcome, expected: dict[str, Any] | None) -> None:
    usage = outcome.completion.finish.usage if outcome.completion.finish else None
    if expected is None or usage is None:
        assert usage is expected
        return
    assert usage.prompt_tokens == expected["prompt_tokens"]
    assert usage.completion_tokens == expected["completion_tokens"]
    assert usage.total_tokens == expected["total_tokens"]
    assert usage.cached_tokens == expected.get("prompt_tokens_details", {}).get("cached_tokens")
    assert usage.reasoning_tokens == expected.get("completion_tokens_details", {}).get("reasoning_tokens")


def _check_error(error: UpstreamError | None, expected: dict[str, Any] | None) -> None:
    if expected is None or error is None:
        assert error is expected
        return
    assert expected["message_contains"] in error.message
    if expected["client_status"]:
        assert error.status == expected["client_status"]
