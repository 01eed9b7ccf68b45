"""How Puter's backend speaks: lines of JSON where a stream was asked for, else one envelope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.support.chat_upstream import ChatUpstream, Said, Turn, line, text_of
from tests.support.upstream import Seen

_FIELDS = {"content": "text", "reasoning_content": "reasoning"}


class PuterTurn(Turn):
    content_type = "application/x-ndjson"

    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        self.args: dict[str, Any] = self.body["args"]
        self._message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}

    @classmethod
    def aside(cls, server: ChatUpstream, seen: Seen) -> Any:
        if seen.method == "POST":
            return None
        return {"models": [{"id": name, "provider": "openai-completion", "context": 8192} for name in server.models]}

    @property
    def model(self) -> str:
        return str(self.args["model"])

    @property
    def conversation(self) -> Sequence[Said]:
        return [Said(message["role"], text_of(message["content"])) for message in self.args["messages"]]

    @property
    def tools(self) -> Sequence[str]:
        return [tool["function"]["name"] for tool in self.args.get("tools", ())]

    @property
    def pictures(self) -> Sequence[str]:
        contents = [message["content"] for message in self.args["messages"] if isinstance(message["content"], list)]
        return [part["image_url"]["url"] for parts in contents for part in parts if part["type"] == "image_url"]

    @property
    def limit(self) -> int | None:
        return self.args.get("max_tokens")

    @property
    def streams(self) -> bool:
        return bool(self.args["stream"])

    async def start(self, **headers: str) -> None:
        if self.streams:
            await super().start(**headers)

    async def piece(self, token: str, field: str) -> None:
        if self.streams:
            await self.wire.chunk(line({"type": _FIELDS[field], _FIELDS[field]: token}))
        else:
            self._message[field] = (self._message.get(field) or "") + token

    async def call(self, calls: Sequence[tuple[str, str]]) -> None:
        """Puter is asked for whole answers where there are tools."""
        self._message["content"] = self._message["content"] or None
        self._message["tool_calls"] = [
            {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for place, (name, arguments) in enumerate(calls)
        ]

    async def end(self, reason: str = "stop") -> None:
        usage = {"prompt_tokens": self.asked_tokens, "completion_tokens": max(self.tokens, 1)}
        if self.streams:
            await self.wire.chunk(line({"type": "usage", "usage": usage}))
            await self.wire.finish()
            return
        result = {"index": 0, "message": self._message, "finish_reason": reason, "usage": usage}
        metadata = {"service_used": "openai-completion", "providerUsed": self.model}
        await self.wire.reply(200, json.dumps({"success": True, "result": result, "metadata": metadata}))

    async def stop(self) -> None:
        if self.streams:
            await super().stop()
        else:
            await self.wire.reply(200, b"")

    async def fail(self, message: str) -> None:
        if self.streams:
            await self.wire.chunk(line({"type": "error", "message": message}))
            await self.wire.finish()
        else:
            await self.wire.reply(200, json.dumps({"success": False, "error": {"message": message}}))
