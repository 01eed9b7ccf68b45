"""A service that speaks OpenAI's chat.completions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.chat_upstream import ChatUpstream, Said, serving_chats, sse, text_of
from tests.support.chat_upstream import Turn as AnyTurn
from tests.support.openai_media import FAULTS, MODELS, OpenAIMedia
from tests.support.upstream import Seen, Wire

PIECE = 9


class Turn(AnyTurn):
    """Chunks as OpenAI streams them."""

    root = "/v1"

    @classmethod
    def aside(cls, server: ChatUpstream, seen: Seen) -> Any:
        if not seen.path.endswith("/models"):
            return None
        listed = [{"id": name, "object": "model", "owned_by": "tests"} for name in server.models]
        return {"object": "list", "data": listed}

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def messages(self) -> Sequence[dict[str, Any]]:
        messages: Sequence[dict[str, Any]] = self.body["messages"]
        return messages

    @property
    def conversation(self) -> Sequence[Said]:
        return [Said(message["role"], text_of(message["content"])) for message in self.messages]

    @property
    def tools(self) -> Sequence[str]:
        tools = () if self.body.get("tool_choice") == "none" else self.body.get("tools") or ()
        return [tool["function"]["name"] for tool in tools]

    @property
    def pictures(self) -> Sequence[str]:
        contents = [message["content"] for message in self.messages if isinstance(message["content"], list)]
        return [part["image_url"]["url"] for parts in contents for part in parts if part["type"] == "image_url"]

    @property
    def stops(self) -> Sequence[str]:
        stops = self.body.get("stop") or ()
        return [stops] if isinstance(stops, str) else stops

    @property
    def limit(self) -> int | None:
        limit: int | None = self.body.get("max_completion_tokens") or self.body.get("max_tokens")
        return limit

    async def piece(self, token: str, field: str) -> None:
        await self.event(self.chunk({field: token}))

    async def call(self, calls: Sequence[tuple[str, str]]) -> None:
        """All are begun before any goes on, and their arguments come in turn."""
        for index, (name, _) in enumerate(calls):
            function = {"name": name, "arguments": ""}
            head = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
            await self.event(self.chunk({"tool_calls": [head]}))
        for start in range(0, max(len(arguments) for _, arguments in calls), PIECE):
            for index, (_, arguments) in enumerate(calls):
                if piece := arguments[start : start + PIECE]:
                    self.tokens += 1
                    await self.event(self.chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))

    async def end(self, reason: str = "stop") -> None:
        """Finish reason, usage where it was asked for, [DONE]."""
        await self.event(self.chunk({}, finish_reason=reason))
        if (self.body.get("stream_options") or {}).get("include_usage"):
            await self.event({**self.chunk({}), "choices": [], "usage": self.usage()})
        await self.event(b"[DONE]")
        await self.wire.finish()

    async def fail(self, message: str) -> None:
        await self.event({"error": {"message": message, "type": "server_error"}})
        await self.wire.finish()

    async def event(self, payload: dict[str, Any] | bytes) -> None:
        await self.wire.chunk(sse(payload))

    def chunk(self, delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
        return {
            "id": "chatcmpl-upstream",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": None, **choice}],
        }

    def usage(self) -> dict[str, int]:
        asked = self.asked_tokens
        return {"prompt_tokens": asked, "completion_tokens": self.tokens, "total_tokens": asked + self.tokens}


class OpenAIUpstream(ChatUpstream):
    """Its `url` ends in /v1. With `media` it also makes what that makes."""

    def __init__(self, behaviours: Mapping[str, Any], media: OpenAIMedia | None = None) -> None:
        super().__init__(behaviours, Turn)
        self.media = media

    @property
    def models(self) -> Sequence[str]:
        return [*dict.fromkeys([*super().models, *([*MODELS, *FAULTS] if self.media is not None else ())])]

    async def answer(self, seen: Seen, wire: Wire) -> None:
        """The script of the upstream."""
        if self.media is not None and self.media.serves(seen.path) and not seen.path.endswith("/models"):
            await self.media(seen, wire)
        else:
            await super().answer(seen, wire)


@contextmanager
def openai_upstream(behaviours: Mapping[str, Any], media: OpenAIMedia | None = None) -> Iterator[OpenAIUpstream]:
    """Serve these models, each under its name, until the end of the block."""
    with serving_chats(OpenAIUpstream(behaviours, media)) as server:
        yield server
