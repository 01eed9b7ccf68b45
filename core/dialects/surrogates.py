"""Characters that an upstream cut in half: `"\\ud83d"` in one JSON delta, `"\\ude00"` in the next.

Half a character cannot be written as UTF-8, so the first half waits for the second.
"""

from __future__ import annotations


class Surrogates:
    """Puts the halves together along one run of text. One that stays alone becomes U+FFFD."""

    def __init__(self) -> None:
        self._held = ""

    def join(self, text: str) -> str:
        """`text` with what was held before it, without a half at its end; empty where nothing else is left."""
        if self._held:
            text = self._held + text
        elif text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            return self._mend(text)
        return text

    def end(self) -> str:
        """What is left when the run is over."""
        return _whole(self._held)

    def _mend(self, text: str) -> str:
        self._held = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return _whole(text[:-1] if self._held else text)


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
