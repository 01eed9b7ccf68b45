"""What one request came to, for the log and for whoever looks later. Never a prompt, an answer or a secret."""

from __future__ import annotations

from dataclasses import dataclass

from core.chat.events import Usage


@dataclass(slots=True)
class Record:
    """Filled in along the road. Durations in seconds; `token` is a label, `cause` a bug that came to light."""

    model: str = ""
    provider: str = ""
    upstream_model: str = ""
    token: str = ""
    caller: str = ""
    attempts: int = 0
    events: int = 0
    first_event: float | None = None
    finish: str = ""
    error: str = ""
    cause: BaseException | None = None
    usage: Usage | None = None
