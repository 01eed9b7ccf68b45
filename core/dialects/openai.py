"""OpenAI's chat.completions dialect: a request as its JSON body, and its chunks or whole answers as events.

Tolerant of what "compatible" services make of it: missing or foreign finish reasons, tool calls without index or id,
usage in every chunk, whole JSON where a stream was asked, errors as objects or bare strings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from core.chat.errors import UpstreamBadResponse, UpstreamError, UpstreamTruncated
from core.chat.events import (
    Finish,
    ImageOutput,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    Usage,
)
from core.chat.requests import (
    BuiltinTool,
    ChatRequest,
    ContentPart,
    FunctionTool,
    Image,
    Json,
    Message,
    NamedTool,
    Text,
)
from core.dialects import terms
from core.dialects.failures import from_event
from core.dialects.surrogates import Surrogates
from core.dialects.toolcalls import ToolCalls
from core.wire.frames import Frame

MALFORMED_IN_A_ROW = 3
_OTHER_SHAPES = (TypeError, AttributeError, LookupError, ArithmeticError)
"""What comes of reading JSON that is no chunk: it counts as malformed."""


def encode(request: ChatRequest) -> dict[str, Json]:
    """The body of `POST /chat/completions`. It always streams; usage is asked for where the caller will see it."""
    body: dict[str, Json] = {
        "model": request.model,
        "messages": [encode_message(message) for message in request.messages],
        **request.parameters,
        "stream": True,
    }
    if request.include_usage or not request.stream:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = [encode_tool(tool) for tool in request.tools]
    if isinstance(request.tool_choice, NamedTool):
        body["tool_choice"] = {"type": "function", "function": {"name": request.tool_choice.name}}
    elif request.tool_choice:
        body["tool_choice"] = request.tool_choice
    return body


def encode_message(message: Message) -> dict[str, Json]:
    encoded: dict[str, Json] = {"role": message.role, "content": _encode_content(message.content), **message.extra}
    if message.tool_calls:
        encoded["tool_calls"] = [
            {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        encoded["tool_call_id"] = message.tool_call_id
    return encoded


def encode_tool(tool: FunctionTool | BuiltinTool) -> dict[str, Json]:
    if isinstance(tool, BuiltinTool):
        return dict(tool.body)
    function: dict[str, Json] = {"name": tool.name}
    for key in ("description", "parameters", "strict"):
        if (value := getattr(tool, key)) is not None:
            function[key] = value
    return {"type": "function", "function": function}


def _encode_content(content: str | tuple[ContentPart, ...] | None) -> Json:
    return content if content is None or isinstance(content, str) else [_encode_part(part) for part in content]


def _encode_part(part: ContentPart) -> dict[str, Json]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text, **part.extra}
    if isinstance(part, Image):
        image = {"url": part.url} if part.detail is None else {"url": part.url, "detail": part.detail}
        return {"type": "image_url", "image_url": image, **part.extra}
    return dict(part.body)


class Decoder:
    """Decodes one answer: SSE chunks through `decode`, a whole JSON answer through `decode_whole`."""

    def __init__(self) -> None:
        self.finished = False
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._said_something = False
        self._malformed = 0
        self._calls = ToolCalls()
        self._text = Surrogates()
        self._reasoning = Surrogates()

    @property
    def may_end(self) -> bool:
        """The finish reason is known: all that can still come is usage and [DONE]."""
        return self._finish is not None

    def decode(self, frame: Frame) -> Iterable[StreamEvent]:
        if frame.data == "[DONE]":
            return self._done()
        try:
            events = self._decode_chunk(json.loads(frame.data))
        except (ValueError, RecursionError, *_OTHER_SHAPES):
            return self._skip()
        self._malformed = 0
        return events

    def _decode_chunk(self, chunk: Json) -> Iterable[StreamEvent]:
        if not isinstance(chunk, dict):
            return ()
        if chunk.get("error") or chunk.get("object") == "error":
            raise from_event(chunk)
        if chunk.get("usage"):
            self._usage = decode_usage(chunk["usage"]) or self._usage
        choices = chunk.get("choices")
        return self._decode_choice(choices[0]) if choices else ()

    def _decode_choice(self, choice: Mapping[str, Json]) -> Iterable[StreamEvent]:
        if choice.get("index"):
            return ()
        if choice.get("finish_reason"):
            self._finish = str(choice["finish_reason"])
        delta = choice.get("delta") or choice.get("message")
        events = list(self._decode_delta(delta)) if delta else []
        self._said_something = self._said_something or bool(events)
        return events

    def decode_whole(self, answer: Json) -> list[StreamEvent]:
        """The events of a `chat.completion` object. Raises `UpstreamError` where it is none."""
        try:
            return [*self._decode_answer(answer)]
        except _OTHER_SHAPES:
            raise UpstreamBadResponse("The upstream answered with JSON of another shape.") from None

    def _decode_answer(self, answer: Json) -> Iterator[StreamEvent]:
        if not isinstance(answer, dict) or answer.get("error") or not answer.get("choices"):
            if isinstance(answer, dict) and (answer.get("error") or answer.get("message") or answer.get("detail")):
                raise from_event(answer)
            raise UpstreamBadResponse("The upstream answered with JSON that holds no choices.")
        choice = answer["choices"][0]
        self._usage = decode_usage(answer.get("usage"))
        self._finish = choice.get("finish_reason") and str(choice["finish_reason"])
        yield from self._decode_delta(choice.get("message") or {})
        yield from self._lawful_end()

    def end(self) -> Iterable[StreamEvent]:
        if self._finish is None:
            if not self._said_something:
                raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
            raise UpstreamTruncated
        return self._lawful_end()

    def _done(self) -> Iterable[StreamEvent]:
        if self._finish is None and not self._said_something:
            raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        return self._lawful_end()

    def _lawful_end(self) -> list[StreamEvent]:
        self.finished = True
        reason = terms.finish_reason(self._finish, called_tools=self._calls.any)
        rest = self._text.end()
        return [
            *([TextDelta(rest)] if rest else ()),
            *self._calls.end(),
            Finish(reason, self._finish, self._usage),
        ]

    def _skip(self) -> Iterable[StreamEvent]:
        self._malformed += 1
        if self._malformed >= MALFORMED_IN_A_ROW:
            raise UpstreamBadResponse(f"The upstream sent {MALFORMED_IN_A_ROW} events in a row that are no chunks.")
        return ()

    def _decode_delta(self, delta: Mapping[str, Json]) -> Iterator[StreamEvent]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought and (thought := self._reasoning.join(thought)):
            yield ReasoningDelta(thought)
        content = delta.get("content")
        if isinstance(content, str):
            if content and (content := self._text.join(content)):
                yield TextDelta(content)
        elif content:
            yield from _decode_parts(content)
        if len(delta) > 1 or "content" not in delta:
            yield from self._decode_rarer(delta)

    def _decode_rarer(self, delta: Mapping[str, Json]) -> Iterator[StreamEvent]:
        if refusal := delta.get("refusal"):
            yield RefusalDelta(str(refusal))
        if calls := delta.get("tool_calls"):
            yield from self._calls.add(calls)
        elif call := delta.get("function_call"):
            yield from self._calls.add([{"index": 0, "function": call}])
        for image in delta.get("images") or ():
            yield ImageOutput(str(image["image_url"]["url"]))


def _decode_parts(parts: Json) -> Iterator[StreamEvent]:
    """Content as a list of parts, as some services stream it."""
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, dict):
            continue
        if isinstance(text := part.get("text"), str) and text:
            yield TextDelta(text)
        thinking = part.get("thinking")
        if isinstance(thinking, list):
            thinking = "".join(item.get("text", "") for item in thinking)
        if thinking:
            yield ReasoningDelta(str(thinking))


def decode_usage(body: Json) -> Usage | None:
    """OpenAI's usage object; None where it is missing or makes no sense."""
    if not isinstance(body, dict):
        return None
    return terms.usage(
        body.get("prompt_tokens"),
        body.get("completion_tokens"),
        cached=(body.get("prompt_tokens_details") or {}).get("cached_tokens"),
        reasoning=(body.get("completion_tokens_details") or {}).get("reasoning_tokens"),
    )
