"""`any2api chat`: one question, its answer streamed to the terminal."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import TextIO, assert_never

from core.app import build_gateway
from core.chat.errors import ChatError, Unavailable
from core.chat.events import (
    Finish,
    ImageOutput,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplacement,
    ToolCallDelta,
    ToolCallStart,
)
from core.chat.requests import ChatRequest, Message
from core.chat.settings import Settings
from core.cli.models import first_model
from core.cli.stores import variables
from core.cli.terminal import dim, plain
from core.gateway.gateway import Gateway
from core.gateway.record import Record

LONGEST_URL = 500


def run(settings: Settings, model: str | None, text: str) -> int:
    """Has `model`, or the first there is, answer `text`. The answer goes to stdout, all else to stderr."""
    return asyncio.run(_ask(settings, model, text))


async def _ask(settings: Settings, model: str | None, text: str) -> int:
    async with aclosing(build_gateway(settings, environment=variables())) as gateway:
        model = model or await first_model(settings, gateway)
        if model is None:
            raise Unavailable("No provider lists a model now; name one with --model.")
        return await _show(gateway, model, text)


async def _show(gateway: Gateway, model: str, text: str) -> int:
    request = ChatRequest(model, (Message("user", text),), stream=True, include_usage=True)
    screen = Screen(sys.stdout, sys.stderr)
    try:
        async with aclosing(await gateway.open(request, Record())) as answer:
            async for batch in answer:
                for event in batch:
                    screen.show(event)
    except ChatError as error:
        screen.note(f"error: {gateway.redact(error.message)}")
        return 1
    finally:
        screen.end_line()
    return 0


class Screen:
    """Writes events as they come. Only a person at a terminal sees the reasoning; a pipe gets the bare answer."""

    def __init__(self, out: TextIO, notes: TextIO) -> None:
        self._out = out
        self._notes = notes
        self._thinking = False
        self._line_open = False

    def show(self, event: StreamEvent) -> None:  # noqa: C901  # one case per kind of event; nothing to split
        match event:
            case TextDelta(text) | RefusalDelta(text):
                self._write(plain(text))
            case ReasoningDelta(text):
                if self._out.isatty():
                    self._write(dim(plain(text)), thinking=True)
            case TextReplacement(text):
                self.end_line()
                self._write(plain(text))
            case ImageOutput(url):
                self._write(plain(url if len(url) <= LONGEST_URL else f"{url[:LONGEST_URL]}…"))
            case ToolCallStart(_, name):
                self.note(f"calls {name}")
            case ToolCallDelta():
                pass
            case Notice(parameter):
                self.note(f"left out: {parameter}")
            case Finish():
                self.note(_summary(event))
            case _:
                assert_never(event)

    def end_line(self) -> None:
        if self._line_open:
            self._write("\n")

    def note(self, text: str) -> None:
        self.end_line()
        print(plain(text), file=self._notes, flush=True)

    def _write(self, text: str, *, thinking: bool = False) -> None:
        if thinking is not self._thinking:
            self._thinking = thinking
            self.end_line()
        print(text, end="", file=self._out, flush=True)
        self._line_open = not text.endswith("\n")


def _summary(finish: Finish) -> str:
    words = [] if finish.reason == "stop" else [f"ended by {finish.raw or finish.reason}"]
    if finish.usage is not None:
        usage = finish.usage
        estimated = ", estimated" if usage.estimated else ""
        words.append(f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out{estimated}")
    return "; ".join(words)
