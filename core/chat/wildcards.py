"""Names of models with `*` in them, and choices between models."""

from __future__ import annotations

from typing import TypeAlias

ModelChoice: TypeAlias = bool | tuple[str, ...]
"""All models, none, or those whose name matches one of these patterns."""


def chosen(choice: ModelChoice, *names: str) -> bool:
    """Whether a model that goes by any of `names` is among the chosen."""
    if isinstance(choice, bool):
        return choice
    return any(matches(pattern, name) for pattern in choice for name in names)


def matches(pattern: str, model: str) -> bool:
    """`*` stands for anything; the rest is literal."""
    first, *rest = pattern.split("*")
    if not rest:
        return model == pattern
    if not model.startswith(first):
        return False
    position = len(first)
    for piece in rest[:-1]:
        position = model.find(piece, position) + len(piece)
        if position < len(piece):
            return False
    return len(model) - len(rest[-1]) >= position and model.endswith(rest[-1])
