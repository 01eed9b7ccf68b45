"""Takes out of a text what must not leave: credentials we know, what looks like one, and addresses of upstreams."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[redacted]"
_SHORTEST_SECRET = 6
_PATTERNS = (
    re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{8,}"),
    re.compile(r"\b(?:sk|pk|rk|ghp|gsk|xai|AIza)[-_](?:[\w-]*(?:\*{2,}|\.{3}|…)[\w*-]*|[\w-]{8,})"),
    re.compile(r"\beyJ[\w-]{6,}\.[\w-]+\.?[\w-]*"),
    re.compile(r"(?i)(?:[?&]|\b)(?:api[-_]?key|auth[-_]?token|access[-_]?token|key|token|secret)=[^\s&\"']+"),
    re.compile(r"(?i)\bhttps?://[^\s\"'<>]+"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without any of `secrets`, anything that looks like a credential, or any URL."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return text
