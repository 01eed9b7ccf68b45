"""Event streams as a strict client reads them."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.schema import check


def events(body: bytes | str) -> list[Any]:
    """The data of every event, parsed, "[DONE]" as it is. Fails for anything but `data:` lines and comments."""
    text = body.decode() if isinstance(body, bytes) else body
    assert text.endswith("\n\n"), "an event without its blank line is lost"
    found: list[Any] = []
    for block in text[:-2].split("\n\n"):
        if not block.startswith(":"):
            assert block.startswith("data: ")
            assert "\n" not in block
            data = block.removeprefix("data: ")
            found.append(data if data == "[DONE]" else json.loads(data))
    return found


def chunks(body: bytes | str, *, by_schema: bool = True) -> list[dict[str, Any]]:
    """The chunks of a stream that ended well, each by OpenAI's schema, which knows no custom tools in streams."""
    *found, done = events(body)
    assert done == "[DONE]"
    for chunk in found if by_schema else ():
        check(chunk, "CreateChatCompletionStreamResponse")
    return found


def content(chunks: list[dict[str, Any]], index: int = 0, field: str = "content") -> str:
    """What the deltas of one choice add up to."""
    deltas = (choice["delta"] for chunk in chunks for choice in chunk["choices"] if choice["index"] == index)
    return "".join(delta.get(field) or "" for delta in deltas)


def finishes(chunks: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Every finish reason with the index of its choice."""
    choices = (choice for chunk in chunks for choice in chunk["choices"])
    return [(choice["index"], choice["finish_reason"]) for choice in choices if choice["finish_reason"]]
