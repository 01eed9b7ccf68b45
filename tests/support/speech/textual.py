"""How the sites speak that know nothing but text: gptanon and FlowGPT."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from tests.support.chat_upstream import ChatUpstream, Said, Turn, line, sse, text_of
from tests.support.upstream import Seen

_HEADING = re.compile(r"^\[(system|user|assistant|tool[^\]\n]*)\]$", re.MULTILINE)


_OFFER = re.compile(r"# Tools\n.*?\n\n(.*?)\n\nTo call a tool", re.DOTALL)
_MARK = re.compile(r"<(tool_call_\w+)>")
_RESULT = re.compile(r"<(tool_result_\w+)[^>]*>\n(.*?)\n</\1>", re.DOTALL)


def _fitting(arguments: dict[str, str], schema: Any) -> dict[str, str]:
    """What of `arguments` the schema has a place for, and anything in its other places."""
    return {name: arguments.get(name, name) for name in schema.get("properties") or arguments}


class TextualTurn(Turn):
    """It calls the tools that it is told of in words, in the way that it is told, and knows a result by its marks."""

    @property
    @abstractmethod
    def turns(self) -> Sequence[Said]:
        """The conversation as it came."""

    @property
    def conversation(self) -> Sequence[Said]:
        results = [_RESULT.findall(said.text) for said in self.turns]
        return [Said("tool", found[-1][1]) if found else said for said, found in zip(self.turns, results, strict=True)]

    @property
    def tools(self) -> Sequence[str]:
        return [*self._schemas]

    async def think(self, text: str) -> None:
        """As models do whose service has no other place for it."""
        await self.say(f"<think>{text}</think>")

    async def call(self, calls: Sequence[tuple[str, str]]) -> None:
        [mark, *_] = _MARK.findall(self._instructions)
        for name, arguments in calls:
            call = {"name": name, "arguments": _fitting(json.loads(arguments), self._schemas[name])}
            block = f"<{mark}>\n{json.dumps(call, ensure_ascii=False)}\n</{mark}>\n"
            for start in range(0, len(block), 9):
                await self.piece(block[start : start + 9], "content")

    @property
    def _schemas(self) -> dict[str, Any]:
        """The schema of each tool: the last line of what is said of it; the first begins with its name."""
        schemas: dict[str, Any] = {}
        described: list[str] = []
        for line_ in "\n".join(_OFFER.findall(self._instructions)).splitlines():
            if line_.startswith("{"):
                schemas[described[0].partition(":")[0]] = json.loads(line_)
                described = []
            elif line_ or described:
                described.append(line_)
        return schemas

    @property
    def _instructions(self) -> str:
        return "\n".join(said.text for said in self.turns if said.role == "system")


class GptanonTurn(TextualTurn):
    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        self._said = ""

    @classmethod
    def aside(cls, server: ChatUpstream, seen: Seen) -> Any:
        return None if seen.method == "POST" else [{"modelId": name, "isActive": True} for name in server.models]

    @property
    def model(self) -> str:
        return str(self.body["modelIds"][0])

    @property
    def turns(self) -> Sequence[Said]:
        """The turns of a conversation that came folded into one message."""
        before, *parts = _HEADING.split(self.body["message"])
        if not parts:
            return [Said("user", before)]
        turns = zip(parts[::2], parts[1::2], strict=True)
        return [
            Said(heading.partition(" ")[0], text.removeprefix("\n").removesuffix("\n\n")) for heading, text in turns
        ]

    @property
    def pictures(self) -> Sequence[str]:
        return [attachment["url"] for attachment in self.body.get("attachments", ())]

    async def piece(self, token: str, field: str) -> None:
        self._said += token
        await self.wire.chunk(sse({"type": "token", "token": token}))

    async def end(self, reason: str = "stop") -> None:
        await self.wire.chunk(sse({"type": "complete", "content": self._said}) + sse({"type": "done"}))
        await self.wire.finish()

    async def fail(self, message: str) -> None:
        await self.wire.chunk(sse({"type": "error", "message": message}))
        await self.wire.finish()


class FlowGPTTurn(TextualTurn):
    """The conversation comes first, then the question."""

    content_type = "application/x-ndjson"

    @classmethod
    def aside(cls, server: ChatUpstream, seen: Seen) -> Any:
        if not seen.path.endswith("/conversation/create"):
            return None
        identity = f"conversation-{len(server.begun)}"
        server.begun[identity] = seen.json["messages"]
        return {"id": identity}

    @property
    def model(self) -> str:
        """Each model is a prompt of the site's."""
        return str(self.body["promptId"])

    @property
    def turns(self) -> Sequence[Said]:
        *before, last = self.server.begun[self.body["conversationId"]]
        return [
            *(Said(message["role"], text_of(message["content"])) for message in before),
            Said(last["role"], self.body["question"]),
        ]

    async def piece(self, token: str, field: str) -> None:
        await self.wire.chunk(line({"event": "text", "data": token}))

    async def end(self, reason: str = "stop") -> None:
        await self.wire.finish()

    async def fail(self, message: str) -> None:
        await self.wire.chunk(line({"event": "error", "data": {"message": message}}))
        await self.wire.finish()
