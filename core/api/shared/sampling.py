"""What chat and text completions have in common: the model, how many choices, and the sampling parameters."""

from __future__ import annotations

from dataclasses import dataclass

from core.api.shared.fields import bounded, check, invalid, number_within, take, take_given, take_model
from core.chat.requests import Json

MAX_CHOICES = 8


@dataclass(frozen=True, slots=True)
class Common:
    """`ignored` are fields that a request may not set here; `parameters` what is left of the body."""

    model: str
    n: int
    stream: bool
    include_usage: bool
    ignored: tuple[str, ...]
    parameters: dict[str, Json]


def take_common(body: dict[str, Json]) -> Common:
    """Takes the common fields out of a body. Raises `InvalidRequest` naming the first wrong one."""
    given, ignored = take_given(body)
    model = take_model(given)
    n = take(given, "n", int)
    if n is not None and not 1 <= n <= MAX_CHOICES:
        raise invalid("n", f"must be between 1 and {MAX_CHOICES}")
    stream = take(given, "stream", bool) or False
    options = take(given, "stream_options", dict) or {}
    _check(given)
    return Common(model, n or 1, stream, stream and bool(options.get("include_usage")), ignored, given)


def _check(body: dict[str, Json]) -> None:
    """The parameters whose type every service agrees on; they stay in `body`."""
    number_within(body, "temperature", float, 0, 2)
    number_within(body, "top_p", float, 0, 1)
    number_within(body, "presence_penalty", float, -2, 2)
    number_within(body, "frequency_penalty", float, -2, 2)
    for name in ("max_tokens", "max_completion_tokens"):
        number_within(body, name, int, 1, 10**9)
    stop = body.get("stop")
    if stop is not None and not isinstance(stop, str):
        for index, sequence in enumerate(bounded(check(stop, list, "stop"), 16, "stop")):
            check(sequence, str, f"stop[{index}]")
    if "response_format" in body:
        check(body["response_format"], dict, "response_format")
