"""What is known of Puter's models: which of its providers serves one, and what that provider makes of a request.

Puter hands each vendor's provider the same arguments; what a provider does not read is dropped without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Final, NamedTuple

from core.chat.ports import ModelInfo, ModelKind
from core.chat.requests import Json
from core.dialects.terms import count


class Dialect(Enum):
    """What a provider of Puter's turns a conversation into; each has its own traps."""

    CHAT = auto()
    """OpenAI's chat.completions: most vendors."""
    RESPONSES = auto()
    """OpenAI's responses: its newest models."""
    CLAUDE = auto()


_AGGREGATORS: Final = frozenset({"infron", "neuralwatt", "openrouter", "together-ai"})
"""They resell models of vendors that Puter also reaches directly, and prefers."""

_DIALECTS: Final[Mapping[str, Dialect]] = {
    "azure-openai-responses": Dialect.RESPONSES,
    "claude": Dialect.CLAUDE,
    "openai-responses": Dialect.RESPONSES,
}
_CACHED_APART: Final = frozenset(
    {"azure-openai", "azure-openai-responses", "gemini", "meta", "openai-completion", "openai-responses"}
)

_PLAIN: Final = frozenset({"temperature", "max_tokens"})
_ALL: Final = _PLAIN | {"reasoning_effort", "verbosity"}
_CHOOSY: Final = _PLAIN | {"top_p", "tool_choice"}
_READ: Final[Mapping[str, frozenset[str]]] = {
    "alibaba": _PLAIN,
    "azure-openai-responses": _ALL | _CHOOSY,
    "byteplus": _CHOOSY,
    "claude": _PLAIN | {"reasoning_effort"},
    "deepseek": _PLAIN,
    "gemini": _PLAIN,
    "groq": _PLAIN,
    "infron": _PLAIN,
    "meta": _CHOOSY | {"reasoning_effort"},
    "minimax": _CHOOSY,
    "mistral": _PLAIN,
    "moonshotai": frozenset({"max_tokens"}),
    "neuralwatt": _PLAIN | {"reasoning_effort"},
    "ollama": _PLAIN,
    "openai-responses": _ALL | _CHOOSY,
    "openrouter": _PLAIN,
    "together-ai": _PLAIN,
    "xai": frozenset(),
    "zai": _CHOOSY,
}
"""The parameters that a provider reads, as of Puter 26.07; those not named here read `_ALL`."""

_NO_TEMPERATURE = re.compile(r"claude-(?:fable-5|sonnet-5|opus-5|opus-4[-.][78])")
_BY_NAME: Final = (
    (re.compile(r"(?:(?:anthropic|claude):)?(?:anthropic/)?claude-"), "claude"),
    (
        re.compile(r"(?:openai:)?(?:openai/)?(?:gpt-5\.6|gpt-5\.4-mini|gpt-5\S*-(?:codex|pro)|o\d-pro)"),
        "openai-responses",
    ),
    (re.compile(r"(?:openai:)?(?:openai/)?(?:chatgpt-|gpt-(?!oss)|o\d)"), "openai-completion"),
)


class Vendor(NamedTuple):
    """Who serves a model: the name of Puter's provider for it, "" where nobody can tell, and the model's plain name."""

    name: str
    model: str

    @property
    def dialect(self) -> Dialect:
        return _DIALECTS.get(self.name, Dialect.CHAT)

    @property
    def reads(self) -> frozenset[str]:
        """The parameters that reach the vendor."""
        read = _READ.get(self.name, _ALL)
        if self.dialect is Dialect.CLAUDE:
            return read - {"temperature"} if _NO_TEMPERATURE.match(self.model) else read
        if self.model.startswith("gpt-5") != (self.dialect is Dialect.RESPONSES):
            return read - {"reasoning_effort", "verbosity"}
        return read

    @property
    def counts_cached_apart(self) -> bool:
        """Whether its `prompt_tokens` leave out those that came from a cache."""
        return self.name in _CACHED_APART and not self.model.startswith("grok")


def vendor_of(name: str, model: str) -> Vendor:
    return Vendor(name, model.strip().lower().rpartition("/")[2])


class Catalogue:
    """Remembers who serves which model. Before it has learned anything, the vendor's name in the id must do."""

    def __init__(self) -> None:
        self._providers: dict[str, str] = {}

    def learn(self, entries: Iterable[Json]) -> None:
        """Takes the entries of Puter's list of models in place of all it knew."""
        known = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("provider"), str)]
        known.sort(key=lambda entry: entry["provider"] in _AGGREGATORS)
        providers: dict[str, str] = {}
        for entry in known:
            for name in _names(entry):
                providers.setdefault(name.strip().lower(), entry["provider"])
        self._providers = providers

    def vendor(self, model: str) -> Vendor:
        name = model.strip().lower()
        return vendor_of(self._providers.get(name) or _by_name(name), name)


class Details:
    """What a list tells of its models, by every name that they have."""

    def __init__(self) -> None:
        self._entries: dict[str, Mapping[str, Json]] = {}

    def learn(self, entries: Iterable[Json]) -> None:
        """Adds to what it knew: a list that could not be had is no news."""
        for entry in entries:
            if isinstance(entry, dict):
                self._entries.update((name.strip().lower(), entry) for name in _names(entry))

    def of(self, model: str) -> Mapping[str, Json]:
        """The entry of a model; empty where there is none."""
        return self._entries.get(model.strip().lower(), {})


def loses_its_films(model: str) -> bool:
    """Whether Puter pays for a film of this model and then loses it: it hands on a stream as if it were JSON."""
    return model.strip().lower().replace(":", "/").rpartition("/")[2].startswith("sora")


def model_info(entry: Json, kind: ModelKind = "chat") -> ModelInfo | None:
    """An entry of the list of models; None where it names none."""
    model = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(model, str) or not model:
        return None
    return ModelInfo(
        model,
        str(entry.get("provider") or ""),
        count(entry.get("context")) or None,
        count(entry.get("max_tokens")) or None,
        kind=kind,
    )


def _names(entry: Mapping[str, Json]) -> list[str]:
    aliases = entry.get("aliases")
    names = [entry.get("id"), entry.get("puterId"), *(aliases if isinstance(aliases, list) else ())]
    return [name for name in names if isinstance(name, str)]


def _by_name(name: str) -> str:
    return next((provider for pattern, provider in _BY_NAME if pattern.match(name)), "")
