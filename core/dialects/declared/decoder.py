"""Decodes one answer by its description."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from core.chat.errors import UpstreamBadResponse, UpstreamError, UpstreamTruncated
from core.chat.events import (
    Finish,
    FinishReason,
    ImageOutput,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    Usage,
)
from core.chat.requests import Json
from core.dialects import failures, terms
from core.dialects.declared.calls import Calls
from core.dialects.declared.errors import from_event
from core.dialects.declared.paths import Path
from core.dialects.declared.payloads import reader
from core.dialects.declared.response import Event, Response, Rule, TextRule
from core.dialects.declared.runs import Run
from core.wire.frames import Frame

MALFORMED_IN_A_ROW = 3
_FAILED = frozenset({"error", "failed"})
"""Words for the end of an answer that say it is none."""


class Decoder:
    """Goes by one `Response`. Damaged events are skipped, unless they come in a row or nothing else comes."""

    def __init__(self, response: Response) -> None:
        self.finished = False
        self._response = response
        self._read = reader(response.decode)
        self._text, self._reasoning, self._refusal = Run(), Run(), Run()
        self._final: list[str] = []
        self._calls = Calls()
        self._showed_images = False
        self._word: str | None = None
        self._reason: FinishReason | None = None
        self._may_end = False
        self._counts: dict[Rule, int] = {}
        self._events = 0
        self._first: Json = None
        self._malformed = 0

    def decode(self, frame: Frame) -> Iterator[StreamEvent]:
        data, end = frame.data.strip(), self._response.end
        if data in self._response.ignore:
            return
        try:
            event = self._event(frame) if data not in end.texts else None
        except (ValueError, RecursionError):
            self._skip()
            return
        if event is None or (isinstance(event.value, str) and event.value in end.texts):
            yield from self._finish()
            return
        yield from self._take(event)
        if self._is_last(event):
            yield from self._finish()

    def end(self) -> Iterator[StreamEvent]:
        if self._may_end or (self._response.end.eof and not self._malformed):
            yield from self._finish()
        elif self._said_something:
            raise UpstreamTruncated
        else:
            raise self._nothing()

    def _take(self, event: Event) -> Iterator[StreamEvent]:
        self._malformed = 0
        self._events += 1
        self._first = event.value if self._events == 1 else None
        self._check_error(event)
        said = [*self._say(event), *self._show(event), *self._call(event)]
        self._may_end = self._may_end and not said
        self._note_end(event)
        yield from said

    def _event(self, frame: Frame) -> Event:
        value = self._read(frame.data)
        return Event(self._response.kind_of(frame, value), _unwrapped(value, self._response.payload))

    def _skip(self) -> None:
        self._malformed += 1
        if self._malformed >= MALFORMED_IN_A_ROW:
            raise UpstreamBadResponse(f"The upstream sent {MALFORMED_IN_A_ROW} events in a row that cannot be read.")

    def _check_error(self, event: Event) -> None:
        for rule in self._response.error:
            for complaint in rule.find(event):
                if complaint:
                    raise from_event(self._response.error_map, complaint)

    def _say(self, event: Event) -> Iterator[StreamEvent]:
        response = self._response
        for thought in _heard(response.reasoning, event, self._reasoning):
            if thought:  # what was thought is not taken back
                yield ReasoningDelta(thought)
        for refusal in _heard(response.refusal, event, self._refusal):
            if refusal:
                yield RefusalDelta(refusal)
        for text in _heard(response.text, event, self._text):
            yield TextReplacement(self._text.text) if text is None else TextDelta(text)
        for rule in response.replace:
            if replacement := rule.text(event):
                self._text = Run()
                yield TextReplacement(self._text.add(replacement))

    def _show(self, event: Event) -> Iterator[StreamEvent]:
        for rule in self._response.images:
            for url in rule.urls(event):
                self._showed_images = True
                yield ImageOutput(url)

    def _call(self, event: Event) -> Iterator[StreamEvent]:
        for rule in self._response.tool_calls:
            for found in rule.find(event):
                yield from self._calls.add(rule.fragment(found))

    def _note_end(self, event: Event) -> None:
        """Takes down what comes at an answer's end: the whole text, the reason to finish, the token counts."""
        for final in self._response.text_final:
            if text := final.text(event):
                self._may_end = True
                self._final.append(text)
        for finish in self._response.finish:
            if found := finish.find(event):
                self._may_end = True
                self._reason = finish.reason
                self._word = found[0] if isinstance(found[0], str) else None
        for rule in self._response.usage.all:
            for found in rule.find(event):
                if (count := terms.count(found)) is not None:
                    self._counts[rule] = count

    def _is_last(self, event: Event) -> bool:
        end = self._response.end
        return event.kind in end.on or any(any(flag.find(event)) for flag in end.flags)

    def _finish(self) -> Iterator[StreamEvent]:
        """The lawful end, if anything was said or at least a reason was given."""
        rest = list(self._rest())
        if not self._said_something and self._word is None and self._reason is None:
            raise self._nothing()
        yield from rest
        if self._word is not None and self._word.lower() in _FAILED:
            raise UpstreamError("The upstream's model failed while it answered.", code="upstream_stream_error")
        reason = self._reason or self._response.reason_of(self._word, called_tools=self._calls.any)
        yield Finish(reason, self._word, self._usage())
        self.finished = True

    def _rest(self) -> Iterator[StreamEvent]:
        if thought := self._reasoning.end():
            yield ReasoningDelta(thought)
        if refusal := self._refusal.end():
            yield RefusalDelta(refusal)
        text = "" if self._text.any else self._text.add("".join(self._final))
        if text := text + self._text.end():
            yield TextDelta(text)
        yield from self._calls.end()

    @property
    def _said_something(self) -> bool:
        runs = (self._text, self._reasoning, self._refusal)
        return self._calls.any or self._showed_images or any(run.any for run in runs)

    def _usage(self) -> Usage | None:
        usage = self._response.usage
        prompt, completion, cached, reasoning = (
            self._sum(rules) for rules in (usage.prompt, usage.completion, usage.cached, usage.reasoning)
        )
        return terms.usage(prompt, completion, cached=cached, reasoning=reasoning)

    def _sum(self, rules: Sequence[Rule]) -> int | None:
        if not rules or rules[0] not in self._counts:
            return None
        return sum(self._counts.get(rule, 0) for rule in rules)

    def _nothing(self) -> UpstreamError:
        """The error for an answer without content: what its only event says, where that is a complaint."""
        if self._malformed and not self._events:
            return UpstreamBadResponse("The upstream sent nothing that can be read.")
        detail = failures.detail_of_json(self._first)
        if detail and detail.message != detail.kind:
            return from_event(self._response.error_map, self._first)
        return UpstreamError("The upstream answered with nothing.", code="upstream_empty")


def _unwrapped(value: Json, path: Path) -> Json:
    """What the event carries: the value at `path`, which may be JSON within a string."""
    payload = path.first(value)
    if not isinstance(payload, str) or isinstance(value, str):
        return payload
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload


def _heard(rules: Iterable[TextRule], event: Event, run: Run) -> Iterator[str | None]:
    """What is new in a run of text; None where it was rewritten."""
    for rule in rules:
        if text := rule.text(event):
            new = run.become(text) if rule.cumulative else run.add(text)
            if new != "":
                yield new
