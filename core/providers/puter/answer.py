"""Puter's answers as events: NDJSON lines, or one JSON envelope; what arrives tells which, not what was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from core.chat.errors import UpstreamBadResponse, UpstreamTruncated
from core.chat.events import Finish, ImageOutput, ReasoningDelta, RefusalDelta, StreamEvent, TextDelta, Usage
from core.chat.requests import Json
from core.dialects import terms
from core.dialects.surrogates import Surrogates
from core.dialects.toolcalls import ToolCalls
from core.providers.puter.failures import blocked, in_band
from core.providers.puter.models import Vendor, vendor_of
from core.providers.puter.usage import decode_usage
from core.wire.frames import Frame

FAKE = "fake-chat"
MALFORMED_IN_A_ROW = 3


class Decoder:
    """Decodes one answer of `vendor`. `limit` is the most tokens that the model was allowed."""

    def __init__(self, vendor: Vendor, limit: int | None = None) -> None:
        self.finished = False
        self._vendor = vendor
        self._limit = limit
        self._malformed = 0
        self._calls = ToolCalls()
        self._called = 0
        self._text = Surrogates()
        self._reasoning = Surrogates()

    def decode(self, frame: Frame) -> Iterable[StreamEvent]:
        try:
            value = json.loads(frame.data)
        except (ValueError, RecursionError):
            return self._skip()
        self._malformed = 0
        if not isinstance(value, dict):
            return ()
        if error := in_band(value):
            raise error
        return list(self._envelope(value) if "success" in value else self._line(value))

    def end(self) -> Iterable[StreamEvent]:
        if self._malformed:
            raise _unreadable()
        raise UpstreamTruncated

    def _skip(self) -> Iterable[StreamEvent]:
        self._malformed += 1
        if self._malformed >= MALFORMED_IN_A_ROW:
            raise _unreadable()
        return ()

    def _line(self, line: Mapping[str, Json]) -> Iterator[StreamEvent]:
        """One line of a stream. Lines of other types (`extra_content`, `compaction`, …) are no part of the answer."""
        if line.get("type") == "usage":
            yield from self._finish(None, decode_usage(line.get("usage"), self._vendor))
        else:
            yield from self._block(line)

    def _envelope(self, envelope: Mapping[str, Json]) -> Iterator[StreamEvent]:
        """A whole answer: OpenAI's choice, or one that holds an Anthropic message."""
        result, metadata = envelope.get("result"), envelope.get("metadata")
        message = result.get("message") if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(message, dict):
            raise UpstreamBadResponse("The upstream answered with an envelope that holds no message.")
        vendor = self._served_by(metadata if isinstance(metadata, dict) else {})
        yield from self._message(message)
        # Claude's finish_reason always says "stop"; its message knows better
        raw = message.get("stop_reason") or result.get("finish_reason") or result.get("finishReason")
        yield from self._finish(raw, decode_usage(result.get("usage"), vendor))

    def _served_by(self, metadata: Mapping[str, Json]) -> Vendor:
        """The vendor that answered in fact. Raises where it is the one for prompts that Puter blocks."""
        provider, model = metadata.get("service_used"), metadata.get("providerUsed")
        if not isinstance(provider, str):
            return self._vendor
        vendor = vendor_of(provider, model) if isinstance(model, str) else self._vendor
        if provider == FAKE and vendor.model != self._vendor.model:
            raise blocked()
        return vendor

    def _message(self, message: Mapping[str, Json]) -> Iterator[StreamEvent]:
        yield from self._think(message.get("reasoning") or message.get("reasoning_content"))
        content = message.get("content")
        if isinstance(content, list):
            for block in _dicts(content):
                yield from self._block(block)
        else:
            yield from self._say(content)
        if isinstance(refusal := message.get("refusal"), str) and refusal:
            yield RefusalDelta(refusal)
        for image in _dicts(message.get("images")):
            yield from _image(image)
        for call in _dicts(message.get("tool_calls") or message.get("toolCalls")):
            function = call.get("function")
            if isinstance(function, dict):
                yield from self._call(call.get("id"), function.get("name"), function.get("arguments"))

    def _block(self, block: Mapping[str, Json]) -> Iterator[StreamEvent]:
        """A line of a stream, or a block of a message's content: they are much the same."""
        match block.get("type"):
            case "text":
                yield from self._say(block.get("text"))
            case "reasoning" | "thinking" as kind:
                yield from self._think(block.get(kind))
            case "tool_use":
                yield from self._call(block.get("id"), block.get("name"), block.get("input"))
            case "image" | "image_url":
                yield from _image(block)

    def _say(self, text: Json) -> Iterator[StreamEvent]:
        if isinstance(text, str) and text and (whole := self._text.join(text)):
            yield TextDelta(whole)

    def _think(self, text: Json) -> Iterator[StreamEvent]:
        if isinstance(text, str) and text and (whole := self._reasoning.join(text)):
            yield ReasoningDelta(whole)

    def _call(self, call_id: Json, name: Json, arguments: Json) -> Iterator[StreamEvent]:
        """A call, which always comes whole; its arguments are an object or JSON text."""
        function = {"name": name if isinstance(name, str) else "", "arguments": {} if arguments is None else arguments}
        yield from self._calls.add([{"index": self._called, "id": call_id, "function": function}])
        self._called += 1

    def _finish(self, raw: Json, usage: Usage | None) -> Iterator[StreamEvent]:
        """The end of the answer. A stream has no word for it, so one that is as long as allowed counts as cut."""
        self.finished = True
        yield from (ReasoningDelta(rest) for rest in [self._reasoning.end()] if rest)
        yield from (TextDelta(rest) for rest in [self._text.end()] if rest)
        yield from self._calls.end()
        word = raw if isinstance(raw, str) else None
        reason = terms.finish_reason(word, called_tools=self._calls.any)
        if word is None and reason == "stop" and usage and self._limit and usage.completion_tokens >= self._limit:
            reason = "length"
        yield Finish(reason, word, usage)


def _image(block: Mapping[str, Json]) -> Iterator[StreamEvent]:
    """A picture, as OpenAI's `image_url` part, alone or wrapped."""
    inner = block.get("image")
    part = (inner if isinstance(inner, dict) else block).get("image_url")
    url = part.get("url") if isinstance(part, dict) else part
    if isinstance(url, str) and url:
        yield ImageOutput(url)


def _dicts(values: Json) -> list[dict[str, Json]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _unreadable() -> UpstreamBadResponse:
    return UpstreamBadResponse("The upstream's answer is no JSON.")
