"""An answer in Anthropic's form: a message of content blocks, streamed or whole."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence

from core.api.messages.errors import anthropic_error
from core.api.shared.errors import json_bytes
from core.chat.completion import Completion
from core.chat.errors import ChatError, UpstreamBadResponse
from core.chat.events import (
    Batch,
    Finish,
    FinishReason,
    ImageOutput,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from core.chat.requests import ChatRequest, Json, ToolCall
from core.gateway.usage import prompt_tokens

_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}

_AT_SEQUENCE = "stop_sequence"
_NO_END: Mapping[str, Json] = {"stop_reason": None, "stop_sequence": None}
_EMPTY: dict[str, Json] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class MessageRenderer:
    """Blocks follow one another, each opened, filled and closed. `thinking`: the caller wants to see it."""

    def __init__(self, chat: ChatRequest, thinking: bool) -> None:
        self._chat = chat
        self._thinking = thinking
        self._id = "msg_" + secrets.token_hex(14)
        self._begun = False
        self._refused = False
        self._blocks = 0
        self._open: str | None = None
        """The type of the block that is open, or the id of the call."""
        self._held: list[tuple[str, str]] = []
        """What came while a call's block was open: it may not be interrupted."""

    def batch(self, index: int, batch: Batch) -> bytes:  # noqa: ARG002  # this API has no choices
        frames = [] if self._begun else self._begin()
        for event in batch:
            frames += self._frames(event)
        return b"".join(frames)

    def end(self) -> bytes:
        return _frame("message_stop")

    def error(self, error: ChatError) -> bytes:
        return b"event: error\ndata: " + json_bytes(anthropic_error(error)) + b"\n\n"

    def whole(self, completions: Sequence[Completion]) -> Json:
        [completion] = completions
        finish = completion.finish
        assert finish is not None  # noqa: S101  # collect() gives no completion without one
        said = completion.text + completion.refusal + "".join(map(_picture, completion.images))
        content: list[Json] = []
        if completion.reasoning and self._thinking:
            content.append({"type": "thinking", "thinking": completion.reasoning, "signature": ""})
        if said:
            content.append({"type": "text", "text": said})
        content += [block for call in completion.tool_calls for block in _tool_use(call, finish.reason)]
        self._refused = bool(completion.refusal)
        return self._message(content, self._end_of(finish), self._usage(finish))

    def _begin(self) -> list[bytes]:
        self._begun = True
        return [_frame("message_start", message=self._message([], _NO_END, self._usage(None))), _frame("ping")]

    def _message(self, content: list[Json], end: Mapping[str, Json], usage: Json) -> Json:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._chat.model,
            "content": content,
            **end,
            "usage": usage,
        }

    def _frames(self, event: StreamEvent) -> list[bytes]:
        match event:
            case TextDelta(text) | RefusalDelta(text):
                self._refused |= isinstance(event, RefusalDelta)
                return self._say("text", text)
            case ReasoningDelta(text) if self._thinking:
                return self._say("thinking", text)
            case ImageOutput(url):
                return self._say("text", _picture(url))
            case ToolCallStart(call_id, name):
                block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
                return [*self._close(), self._start(call_id, block)]
            case ToolCallDelta(call_id, arguments) if call_id == self._open and arguments:
                return [self._delta({"type": "input_json_delta", "partial_json": arguments})]
            case Finish():
                return [*self._close(), self._finish(event)]
            case _:
                return []

    def _say(self, kind: str, text: str) -> list[bytes]:
        frames: list[bytes] = []
        if self._open not in {None, "text", "thinking"}:
            self._held.append((kind, text))
            return frames
        if self._open != kind:
            frames = [*self._close(), self._start(kind, _EMPTY[kind])]
        return [*frames, self._delta({"type": f"{kind}_delta", kind: text})]

    def _start(self, opened: str, block: Json) -> bytes:
        self._open = opened
        return _frame("content_block_start", index=self._blocks, content_block=block)

    def _delta(self, delta: Json) -> bytes:
        return _frame("content_block_delta", index=self._blocks, delta=delta)

    def _close(self) -> list[bytes]:
        """Closes what is open, and says what had to wait for that."""
        if self._open is None:
            return []
        frames = []
        if self._open == "thinking":
            frames.append(self._delta({"type": "signature_delta", "signature": ""}))
        frames.append(_frame("content_block_stop", index=self._blocks))
        self._open = None
        self._blocks += 1
        held, self._held = self._held, []
        for kind, text in held:
            frames += self._say(kind, text)
        return [*frames, *self._close()]

    def _finish(self, finish: Finish) -> bytes:
        return _frame("message_delta", delta=self._end_of(finish), usage=self._usage(finish))

    def _end_of(self, finish: Finish) -> Mapping[str, Json]:
        """Why it ended: also at which stop sequence, where the upstream or we know."""
        at_sequence = finish.reason == "stop" and (finish.stop_sequence or finish.raw == _AT_SEQUENCE)
        reason = "refusal" if self._refused else _AT_SEQUENCE if at_sequence else _REASONS[finish.reason]
        return {"stop_reason": reason, "stop_sequence": finish.stop_sequence}

    def _usage(self, finish: Finish | None) -> Json:
        """Token counts as Anthropic gives them, cached ones apart; an estimate before the end. Clients need all."""
        usage = (finish and finish.usage) or Usage(prompt_tokens(self._chat), 1)
        cached = usage.cached_tokens or 0
        return {
            "input_tokens": max(usage.prompt_tokens - cached, 0),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached,
            "output_tokens": usage.completion_tokens,
        }


def _frame(kind: str, **fields: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json_bytes({"type": kind, **fields}))


def _tool_use(call: ToolCall, reason: FinishReason) -> list[Json]:
    """The call with its input as an object; one that was cut off by the token limit is left out."""
    try:
        given = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        given = None
    if isinstance(given, dict):
        return [{"type": "tool_use", "id": call.call_id, "name": call.name, "input": given}]
    if reason == "length":
        return []
    raise UpstreamBadResponse("The model called a tool with arguments that are no JSON object.")


def _picture(url: str) -> str:
    """Anthropic's answers have no pictures: it is shown by a link, as Markdown."""
    return f"![image]({url})"
