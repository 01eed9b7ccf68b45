"""Event streams whose events have names (Responses, Anthropic's Messages), as a strict client reads them."""

from __future__ import annotations

import json
from typing import Any


def named_events(body: str) -> list[dict[str, Any]]:
    """The data of every event. Fails unless each has its `event:` line, the same as its type, and nothing else."""
    assert body.endswith("\n\n"), "an event without its blank line is lost"
    found = []
    for block in body[:-2].split("\n\n"):
        if not block.startswith(":"):
            name, data = block.split("\n")
            event = json.loads(data.removeprefix("data: "))
            assert (name, data[:6]) == (f"event: {event['type']}", "data: ")
            found.append(event)
    return found


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The types, with runs of the same type as one."""
    types = [event["type"] for event in events]
    return [kind for position, kind in enumerate(types) if position == 0 or types[position - 1] != kind]
