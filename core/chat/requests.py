"""What a caller wants: a conversation, and how it is to be continued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any
"""A value as `json.loads` gives it."""

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text. `extra` holds fields we do not know (`cache_control`, …), for providers that may."""

    text: str
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture by https or data URL; `detail` is OpenAI's low, high or auto."""

    url: str
    detail: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OtherPart:
    """A content part of another kind (audio, file, …) in OpenAI's own form, for providers that speak it."""

    kind: str
    body: Mapping[str, Json]


ContentPart: TypeAlias = Text | Image | OtherPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the assistant made earlier; `arguments` is JSON text as the model wrote it."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `content` keeps the caller's form: a string, or parts; None only beside `tool_calls`.

    OpenAI's `developer` role arrives as `system`. `extra` holds fields we do not know (`name`, …).
    """

    role: Role
    content: str | tuple[ContentPart, ...] | None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text parts, joined: what a text-only upstream can take of this turn."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or () if isinstance(part, Text))

    @property
    def parts(self) -> tuple[ContentPart, ...]:
        if isinstance(self.content, str):
            return (Text(self.content),)
        return self.content or ()


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A function the model may call; `parameters` is its JSON schema."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Json] | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class BuiltinTool:
    """A tool the upstream itself runs (`web_search`, …), in its own form."""

    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """`tool_choice`: this function must be called."""

    name: str


ToolChoice: TypeAlias = Literal["none", "auto", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to continue.

    `model` is the caller's name for it until the gateway has chosen a route, then the upstream's.
    `stream` and `include_usage` say what the caller will see; a provider may use them to ask for no more than that.
    `parameters` holds everything else by its OpenAI name (`temperature`, `stop`, `max_completion_tokens`,
    `response_format`, and fields we have never heard of), checked where we know the type, never null.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    tools: tuple[FunctionTool | BuiltinTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)

    @property
    def max_tokens(self) -> int | None:
        """The caller's limit on the answer, by either of its names."""
        limit: int | None = self.parameters.get("max_completion_tokens", self.parameters.get("max_tokens"))
        return limit

    @property
    def wants_tools(self) -> bool:
        return bool(self.tools) and self.tool_choice != "none"

    def has_part(self, kind: type[Image | OtherPart]) -> bool:
        return any(isinstance(part, kind) for message in self.messages for part in message.parts)
