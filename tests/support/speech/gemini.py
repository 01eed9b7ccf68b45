"""How Gemini streams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from tests.support.chat_upstream import ChatUpstream, Said, Turn, sse, text_of
from tests.support.upstream import Seen

_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}


class GeminiTurn(Turn):
    @classmethod
    def aside(cls, server: ChatUpstream, seen: Seen) -> Any:
        return None

    @property
    def model(self) -> str:
        return unquote(self.seen.path.partition("/models/")[2].partition(":streamGenerateContent")[0])

    @property
    def conversation(self) -> Sequence[Said]:
        system = self.body.get("systemInstruction")
        said = [Said("system", text_of(system["parts"]))] if system else []
        for content in self.body["contents"]:
            results = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
            said += [Said("tool", "".join(map(str, result["response"].values()))) for result in results]
            if (text := text_of(content["parts"])) or not results:
                said.append(Said(content["role"], text))
        return said

    @property
    def tools(self) -> Sequence[str]:
        mode = (self.body.get("toolConfig") or {}).get("functionCallingConfig", {}).get("mode")
        groups = () if mode == "NONE" else self.body.get("tools") or ()
        return [function["name"] for group in groups for function in group["functionDeclarations"]]

    @property
    def pictures(self) -> Sequence[str]:
        parts = [
            part["inlineData"] for content in self.body["contents"] for part in content["parts"] if "inlineData" in part
        ]
        return [f"data:{part['mimeType']};base64,{part['data']}" for part in parts]

    @property
    def stops(self) -> Sequence[str]:
        return self._generation.get("stopSequences") or ()

    @property
    def limit(self) -> int | None:
        return self._generation.get("maxOutputTokens")

    @property
    def _generation(self) -> dict[str, Any]:
        return self.body.get("generationConfig") or {}

    async def piece(self, token: str, field: str) -> None:
        thought = {"thought": True} if field == "reasoning_content" else {}
        await self._event([{"text": token, **thought}])

    async def call(self, calls: Sequence[tuple[str, str]]) -> None:
        for place, (name, arguments) in enumerate(calls):
            self.tokens += 1
            await self._event([{"functionCall": {"id": f"call_{place}", "name": name, "args": json.loads(arguments)}}])

    async def end(self, reason: str = "stop") -> None:
        usage = {"promptTokenCount": self.asked_tokens, "candidatesTokenCount": max(self.tokens, 1)}
        await self._event([], _REASONS[reason], usageMetadata=usage)
        await self.wire.finish()

    async def fail(self, message: str) -> None:
        await self.wire.chunk(sse({"error": {"code": 500, "message": message, "status": "INTERNAL"}}))
        await self.wire.finish()

    async def _event(self, parts: list[dict[str, Any]], reason: str | None = None, **fields: Any) -> None:
        candidate = {"content": {"role": "model", "parts": parts}, **({"finishReason": reason} if reason else {})}
        await self.wire.chunk(sse({"candidates": [candidate], **fields}))
