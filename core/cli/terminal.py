"""What may be written to a terminal: an upstream's text must not move the cursor or set the title."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """`text` without control characters other than tab and newline."""
    return _CONTROL.sub("", text)


def dim(text: str) -> str:
    return f"\x1b[2m{text}\x1b[22m"
