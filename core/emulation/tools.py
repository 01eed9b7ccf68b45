"""Tool calls from a model that was only ever taught to talk: it is told the form, and its answer is read for it.

Text passes as it comes. Calls are kept until the answer is whole, so that either all of them are made or none: an
answer with a call that cannot be made goes back to the model once, with what is wrong, and only the calls of the
second answer count. One that is still wrong is a failure that says so. What the model writes after its calls is text
like any other, up to where it invents a result: there the reading stops. An empty batch says that the upstream is at
work on what cannot be shown yet.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from core.chat.errors import Retry, UpstreamError, UpstreamTruncated
from core.chat.events import (
    Batch,
    Finish,
    FinishReason,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.requests import ChatRequest, ToolCall
from core.emulation.rounds import Ask, summed
from core.emulation.toolgrammar import Block, Blocks, Marks, Piece, too_much
from core.emulation.tooloffer import Offer, Unfit, offer_of
from core.emulation.toolprompt import in_text, once_more

MOST_KEPT = 1024 * 1024
"""Characters of an answer that we keep, be it to hold them back or to repeat them to the model."""
MOST_FAULTS = 10

_CUT: frozenset[FinishReason] = frozenset({"length", "content_filter"})


async def with_tools(ask: Ask, request: ChatRequest) -> AsyncGenerator[Batch]:
    """The answer to `request` with its tool calls, from an upstream that knows only text.

    Raises `InvalidRequest` for tools that are no functions, and `UpstreamError` where the model makes no call that it
    may make. Where it must make one, nothing is said before that is certain.
    """
    offer = offer_of(request)
    marks = Marks(_nonce(request))
    asked = in_text(request, offer, marks)
    first, held = _Answer(offer, marks), _Held()
    async with aclosing(first.read(ask(asked))) as batches:
        async for batch in batches:
            yield held.keep(batch) if offer.must_call else batch
    faults = first.faults()
    if not faults:
        yield [*held.events, *first.ending(first.usage)]
        return
    second, spoken = _Answer(offer, marks), _Held()
    async with aclosing(second.read(ask(once_more(asked, first.said(faults), faults, offer, marks)))) as batches:
        async for batch in batches:
            yield spoken.keep(batch)
    if faults := second.faults() or (faults if second.is_empty else []):
        raise second.refused(faults)
    added = _added(spoken.events, first, second)
    yield [*held.events, *added, *second.ending(summed(first.usage, second.usage))]


def _nonce(request: ChatRequest) -> str:
    """What makes the marks of this request: it occurs nowhere in the conversation."""
    texts = [message.text for message in request.messages]
    texts += [call.arguments for message in request.messages for call in message.tool_calls]
    while True:
        nonce = secrets.token_hex(4)
        if all(nonce not in text for text in texts):
            return nonce


class _Answer:
    """One answer of the model: what is to be seen of it passes, its calls are kept."""

    def __init__(self, offer: Offer, marks: Marks) -> None:
        self._offer = offer
        self._marks = marks
        self._text = _Text(offer, marks)
        self._finish: Finish | None = None

    async def read(self, stream: AsyncGenerator[Batch]) -> AsyncGenerator[list[StreamEvent]]:
        async with aclosing(stream):
            async for batch in stream:
                yield self._pass_on(batch)
                if self._finish is not None or self._text.blocks.ended:
                    return
        raise UpstreamTruncated

    def _pass_on(self, batch: Batch) -> list[StreamEvent]:
        passed: list[StreamEvent] = []
        for event in batch:
            match event:
                case TextDelta(text):
                    passed += _shown(self._text.feed(text))
                case TextReplacement(text):
                    self._text = _Text(self._offer, self._marks)
                    passed.append(TextReplacement(self._text.feed(text)))
                case Finish():
                    self._finish = event
                    passed += _shown(self._text.end())
                case ToolCallStart() | ToolCallDelta():
                    continue  # of a tool that nobody offered
                case _:
                    passed.append(event)
            if self._finish is not None or self._text.blocks.ended:
                break
        return passed

    @property
    def calls(self) -> list[ToolCall]:
        return self._text.calls

    @property
    def text(self) -> str:
        """What was to be seen, as far as it was kept."""
        return "".join(self._text.shown)

    @property
    def usage(self) -> Usage | None:
        return self._finish.usage if self._finish is not None else None

    @property
    def is_cut(self) -> bool:
        """Whether it was not the model that ended it."""
        return self._finish is not None and self._finish.reason in _CUT

    @property
    def is_empty(self) -> bool:
        return not (self.calls or self.text.strip() or self.is_cut)

    def faults(self) -> list[str]:
        """What the model must be told before its calls can be made."""
        text, unfinished = self._text, self._text.unfinished
        if unfinished is not None and self.is_cut:
            return []
        faults = text.faults[:MOST_FAULTS]
        if unfinished is not None and (unfinished.content.strip() or not text.calls):
            faults.append(f"the last block is not closed, and {unfinished.fault}")
        if not faults and not text.calls and text.blocks.ended:
            faults.append("you wrote a result yourself, of a call that you did not make")
        if not faults and not text.calls and self._offer.must_call and not self.is_cut:
            faults.append("you called no tool, but must call one")
        return faults

    def said(self, faults: Sequence[str]) -> str:
        """The whole answer as the model wrote it. Raises `UpstreamError` where it is too long to be repeated."""
        if not self._text.is_kept:
            raise self.refused(faults)
        return "".join(self._text.said)

    def refused(self, faults: Sequence[str]) -> UpstreamError:
        """Another upstream may do better; another token of this one would not."""
        missing = not (self._text.faults or self._text.unfinished or self._text.blocks.ended)
        return UpstreamError(
            f"The model made no tool call that could be taken: {'; '.join(faults)}.",
            code="tool_call_missing" if missing and self._offer.must_call else "tool_call_invalid",
            retry=Retry.OTHER_ROUTE,
        )

    def ending(self, usage: Usage | None) -> list[StreamEvent]:
        """All calls, unless one of those that were cut off could not be made, and the end."""
        cut_in_block = self.is_cut and self._text.unfinished is not None
        calls = [] if cut_in_block and self._text.faults else self.calls
        events = [event for call in calls for event in _events(call)]
        finish = self._finish or Finish("stop")
        reason: FinishReason = "tool_calls" if calls else "stop" if finish.reason == "tool_calls" else finish.reason
        return [*events, Finish(finish.reason if cut_in_block else reason, finish.raw, usage)]


class _Text:
    """The text of one answer, as far as it has come."""

    def __init__(self, offer: Offer, marks: Marks) -> None:
        self.blocks = Blocks(marks)
        self.calls: list[ToolCall] = []
        self.faults: list[str] = []
        self.unfinished: Block | None = None
        self.said: list[str] = []
        self.shown: list[str] = []
        self._offer = offer
        self._size = 0

    @property
    def is_kept(self) -> bool:
        return self._size <= MOST_KEPT

    def feed(self, text: str) -> str:
        """What is to be seen of it."""
        self._size += len(text)
        if self.is_kept:
            self.said.append(text)
        return self._visible(self.blocks.feed(text))

    def end(self) -> str:
        return self._visible(self.blocks.end())

    def _visible(self, pieces: list[Piece]) -> str:
        texts = []
        for piece in pieces:
            if isinstance(piece, str):
                texts.append(piece)
            else:
                self._read(piece)
        if self.is_kept:
            self.shown += texts
        return "".join(texts)

    def _read(self, block: Block) -> None:
        if self._offer.at_most_one and self.calls:
            return
        if block.fault and not block.closed:
            self.unfinished = block
            return
        try:
            calls = self._offer.calls_in(block)
        except Unfit as error:
            self.faults.append(str(error))
        else:
            self.calls += calls[:1] if self._offer.at_most_one else calls


class _Held:
    """Events that wait."""

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []
        self._size = 0

    def keep(self, batch: Sequence[StreamEvent]) -> Batch:
        """Nothing yet."""
        self.events += batch
        for event in batch:
            if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta | TextReplacement):
                self._size += len(event.text)
        if self._size > MOST_KEPT:
            raise too_much("The upstream's answer is longer than 1 MiB, and calls no tool.")
        return ()


def _added(spoken: list[StreamEvent], first: _Answer, second: _Answer) -> list[StreamEvent]:
    """What the second answer adds to the first. Its text is only meant for us, unless it is all there is."""
    others: list[StreamEvent] = [
        event for event in spoken if not isinstance(event, Notice | TextDelta | TextReplacement)
    ]
    if second.calls:
        return others
    before, text = first.text.strip(), second.text
    if before:
        text = text.removeprefix(first.text).removeprefix(before)
        text = f"\n\n{text.lstrip()}" if text.strip() else ""
    return [*others, *_shown(text)]


def _shown(text: str) -> list[StreamEvent]:
    return [TextDelta(text)] if text else []


def _events(call: ToolCall) -> tuple[StreamEvent, StreamEvent]:
    return ToolCallStart(call.call_id, call.name), ToolCallDelta(call.call_id, call.arguments)
