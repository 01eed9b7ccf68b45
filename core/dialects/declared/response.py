"""What an answer means, as a description says it: frozen rules that the decoder goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.chat.events import FinishReason
from core.chat.requests import Json
from core.dialects import terms
from core.dialects.declared.calls import Fragment
from core.dialects.declared.errors import ErrorRule
from core.dialects.declared.framings import FRAMINGS, NEVER_JSON
from core.dialects.declared.paths import Path
from core.wire.frames import Frame, Framing

DEFAULT_KIND = "message"
"""What an event is that has no name: SSE's own default."""
REASONS: tuple[FinishReason, ...] = ("stop", "length", "tool_calls", "content_filter")


class Event(NamedTuple):
    """A frame that was read: what it is, and the value in which all paths begin."""

    kind: str
    value: Json


@dataclass(frozen=True, slots=True)
class Rule:
    """Where something stands, in events of these kinds (none given: in all)."""

    path: Path
    on: frozenset[str]

    def find(self, event: Event) -> list[Json]:
        return self.path.find(event.value) if not self.on or event.kind in self.on else []


@dataclass(frozen=True, slots=True)
class TextRule(Rule):
    """Text; `cumulative` where each event repeats all that came before."""

    cumulative: bool

    def text(self, event: Event) -> str:
        return "".join(found for found in self.find(event) if isinstance(found, str))


@dataclass(frozen=True, slots=True)
class ImageRule(Rule):
    """A picture's URL, or an object with its base64 `data` and perhaps its `mime` type."""

    data: Path | None
    mime: Path | None

    def urls(self, event: Event) -> list[str]:
        if self.data is None:
            return [found for found in self.find(event) if isinstance(found, str)]
        return [self._data_url(found) for found in self.find(event) if isinstance(self.data.first(found), str)]

    def _data_url(self, picture: Json) -> str:
        mime = self.mime.first(picture) if self.mime else None
        return f"data:{mime or 'image/png'};base64,{self.data.first(picture) if self.data else ''}"


@dataclass(frozen=True, slots=True)
class CallRule(Rule):
    """Tool calls: `path` leads to each, the other paths begin there."""

    key: Path | None
    call_id: Path | None
    name: Path | None
    arguments: Path | None
    whole: bool

    def fragment(self, call: Json) -> Fragment:
        key, call_id, name, arguments = (
            path.first(call) if path else None for path in (self.key, self.call_id, self.name, self.arguments)
        )
        return Fragment(_label(key), _label(call_id), _label(name), arguments, whole=self.whole)


@dataclass(frozen=True, slots=True)
class FinishRule(Rule):
    """Why the answer ended, in the upstream's word, or in ours by `reason`."""

    reason: FinishReason | None


@dataclass(frozen=True, slots=True)
class UsageRules:
    """Each count is the sum of what its rules find; the first of them must be there."""

    prompt: tuple[Rule, ...] = ()
    completion: tuple[Rule, ...] = ()
    cached: tuple[Rule, ...] = ()
    reasoning: tuple[Rule, ...] = ()

    @property
    def all(self) -> tuple[Rule, ...]:
        return self.prompt + self.completion + self.cached + self.reasoning


@dataclass(frozen=True, slots=True)
class End:
    """What ends an answer lawfully. Without `eof`, the body's end does so only after a reason to finish."""

    texts: frozenset[str]
    on: frozenset[str]
    flags: tuple[Rule, ...]
    eof: bool


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. `json_answer` reads one that turns out to be JSON where something else was expected.

    A part of the discriminator that is None stands for the name of the SSE event, or the code of the line.
    """

    framing: str
    decode: str
    ignore: frozenset[str]
    discriminator: tuple[Path | None, ...]
    payload: Path
    text: tuple[TextRule, ...]
    text_final: tuple[TextRule, ...]
    replace: tuple[TextRule, ...]
    reasoning: tuple[TextRule, ...]
    refusal: tuple[TextRule, ...]
    images: tuple[ImageRule, ...]
    tool_calls: tuple[CallRule, ...]
    finish: tuple[FinishRule, ...]
    finish_map: Mapping[str, FinishReason]
    usage: UsageRules
    end: End
    error: tuple[Rule, ...]
    error_map: tuple[ErrorRule, ...]
    json_answer: Response | None = None

    def new_framing(self) -> Framing:
        return FRAMINGS[self.framing]()

    def kind_of(self, frame: Frame, value: Json) -> str:
        """What the event is: the first part of the discriminator that says something, by its value or its name."""
        for path in self.discriminator:
            if path is None:
                if frame.event not in {"", DEFAULT_KIND}:
                    return frame.event
                continue
            name, found = path.chosen(value)
            if isinstance(found, str):
                return found
            if found is not None and found is not False:
                return str(found) if isinstance(found, int) and found is not True else name
        return DEFAULT_KIND

    def reason_of(self, word: str | None, *, called_tools: bool) -> FinishReason:
        """The reason to finish that the upstream's `word` stands for."""
        return self.finish_map.get(word or "") or terms.finish_reason(word, called_tools=called_tools)

    def for_answer(self, start: bytes, content_type: str) -> Response:
        """The description to read an answer by whose first byte is `start`."""
        looks_like_json = start in {b"{", b"["} and (self.framing in NEVER_JSON or "json" in content_type)
        return self.json_answer if self.json_answer and looks_like_json else self


def _label(value: Json) -> str | None:
    """A key, id or name as text; 0, 0.0 and "0" are the same."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    return value if isinstance(value, str) else None
