"""How services that speak Anthropic's Messages stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.chat_upstream import ChatUpstream, Said, Turn, json_bytes, text_of
from tests.support.upstream import Seen

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_BLOCKS = {"content": ("text", "text_delta"), "reasoning_content": ("thinking", "thinking_delta")}


class AnthropicTurn(Turn):
    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        self._blocks = 0
        self._open = ""

    @classmethod
    def aside(cls, server: ChatUpstream, seen: Seen) -> Any:
        return None

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def conversation(self) -> Sequence[Said]:
        system = self.body.get("system")
        said = [Said("system", text_of(system))] if system else []
        for message in self.body["messages"]:
            content = message["content"]
            results = (
                [block for block in content if block["type"] == "tool_result"] if isinstance(content, list) else []
            )
            said += [Said("tool", text_of(result["content"])) for result in results]
            if (text := text_of(content)) or not results:
                said.append(Said(message["role"], text))
        return said

    @property
    def tools(self) -> Sequence[str]:
        tools = () if self.body.get("tool_choice") == {"type": "none"} else self.body.get("tools") or ()
        return [tool["name"] for tool in tools]

    @property
    def pictures(self) -> Sequence[str]:
        contents = [message["content"] for message in self.body["messages"] if isinstance(message["content"], list)]
        sources = [block["source"] for blocks in contents for block in blocks if block["type"] == "image"]
        return [f"data:{source['media_type']};base64,{source['data']}" for source in sources]

    @property
    def stops(self) -> Sequence[str]:
        return self.body.get("stop_sequences") or ()

    @property
    def limit(self) -> int | None:
        limit: int = self.body["max_tokens"]
        return limit

    async def start(self, **headers: str) -> None:
        await super().start(**headers)
        usage = {"input_tokens": self.asked_tokens, "output_tokens": 1}
        await self._event("message_start", message={"role": "assistant", "content": [], "usage": usage})

    async def piece(self, token: str, field: str) -> None:
        kind, delta = _BLOCKS[field]
        if self._open != kind:
            await self._close()
            await self._begin({"type": kind, kind: ""})
            self._open = kind
        await self._event("content_block_delta", index=self._blocks, delta={"type": delta, kind: token})

    async def call(self, calls: Sequence[tuple[str, str]]) -> None:
        for place, (name, arguments) in enumerate(calls):
            await self._close()
            await self._begin({"type": "tool_use", "id": f"call_{place}", "name": name, "input": {}})
            self._open = "tool_use"
            for start in range(0, len(arguments), 9):
                self.tokens += 1
                delta = {"type": "input_json_delta", "partial_json": arguments[start : start + 9]}
                await self._event("content_block_delta", index=self._blocks, delta=delta)

    async def end(self, reason: str = "stop") -> None:
        await self._close()
        usage = {"output_tokens": max(self.tokens, 1)}
        await self._event("message_delta", delta={"stop_reason": _REASONS[reason]}, usage=usage)
        await self._event("message_stop")
        await self.wire.finish()

    async def fail(self, message: str) -> None:
        await self._event("error", error={"type": "api_error", "message": message})
        await self.wire.finish()

    async def _begin(self, block: dict[str, Any]) -> None:
        await self._event("content_block_start", index=self._blocks, content_block=block)

    async def _close(self) -> None:
        if self._open:
            await self._event("content_block_stop", index=self._blocks)
            self._open = ""
            self._blocks += 1

    async def _event(self, kind: str, **fields: Any) -> None:
        await self.wire.chunk(b"event: %s\ndata: %s\n\n" % (kind.encode(), json_bytes({"type": kind, **fields})))
