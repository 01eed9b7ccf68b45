"""Text as it grows, whether an upstream sends what is new or each time the whole so far."""

from __future__ import annotations

from core.dialects.surrogates import Surrogates


class Run:
    """What was said in one kind of text. Half a character, or one still shown as U+FFFD, waits for the rest."""

    def __init__(self) -> None:
        self._surrogates = Surrogates()
        self._said: list[str] = []
        self._held = ""

    @property
    def text(self) -> str:
        """All that was said."""
        text = "".join(self._said)
        self._said = [text] if text else []
        return text

    @property
    def any(self) -> bool:
        return bool(self._said)

    def add(self, delta: str) -> str:
        """What `delta` lets us say."""
        return self._say(self._surrogates.join(delta))

    def become(self, whole: str) -> str | None:
        """What is new in `whole`, the text so far; None where that takes back something already said."""
        self._surrogates = Surrogates()
        whole = self._surrogates.join(whole) + self._surrogates.end()
        ready = whole.rstrip("\ufffd")
        self._held = whole[len(ready) :]
        said = self.text
        if ready.startswith(said) or not ready:
            return self._say(ready[len(said) :])
        self._said = [ready]
        return None

    def end(self) -> str:
        """What waited for a rest that never came."""
        held, self._held = self._held or self._surrogates.end(), ""
        self._surrogates = Surrogates()
        return self._say(held)

    def _say(self, text: str) -> str:
        if text:
            self._said.append(text)
        return text
