"""A chat request as the toy upstream understands it. Whatever is missing or odd in it is read as absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.chat.requests import Json

_PART_NAMES = {"image_url": "[image]", "input_audio": "[audio]", "file": "[file]"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The body of one `POST /v1/chat/completions`."""

    body: Mapping[str, Json]

    @property
    def model(self) -> str:
        return str(self.body.get("model") or "")

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True

    @property
    def wants_usage(self) -> bool:
        return not self.stream or (self.body.get("stream_options") or {}).get("include_usage") is True

    @property
    def max_tokens(self) -> int | None:
        limit = self.body.get("max_completion_tokens", self.body.get("max_tokens"))
        return limit if isinstance(limit, int) and limit > 0 else None

    @property
    def stops(self) -> Sequence[str]:
        stop = self.body.get("stop") or []
        return [stop] if isinstance(stop, str) else stop

    @property
    def messages(self) -> Sequence[Mapping[str, Json]]:
        return [message for message in self.body.get("messages") or () if isinstance(message, dict)]

    @property
    def user_text(self) -> str:
        """The last user message."""
        return next((text_of(message) for message in reversed(self.messages) if message.get("role") == "user"), "")

    @property
    def tool_results(self) -> Sequence[str]:
        """What the tools said since the model called them."""
        results: list[str] = []
        for message in reversed(self.messages):
            if message.get("role") != "tool":
                break
            results.insert(0, text_of(message))
        return results

    @property
    def functions(self) -> Sequence[Mapping[str, Json]]:
        """The functions among the declared tools."""
        return [tool["function"] for tool in self.body.get("tools") or () if isinstance(tool.get("function"), dict)]


def text_of(message: Mapping[str, Json]) -> str:
    """A message as text, with a word in brackets for every part that is none."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text") or _PART_NAMES.get(part.get("type"), "[part]")) for part in content)
