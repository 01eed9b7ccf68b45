"""A Responses request, put into the domain's words: for its own API, and for clients that post it as a chat."""

from __future__ import annotations

from dataclasses import replace

from core.api.shared.fields import check, invalid, number_within, take
from core.api.shared.items import callers_own, parse_input
from core.api.shared.messages import narrow, parse_tool_choice, parse_tools
from core.api.shared.sampling import Common, take_common
from core.chat.errors import InvalidRequest
from core.chat.requests import ChatRequest, Json

_SAMPLING = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "stop",
    "seed",
    "max_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "response_format",
)
_STORED = ("previous_response_id", "conversation", "prompt")
_WITHOUT_EFFECT = frozenset(
    {
        "background",
        "client_metadata",
        "context_management",
        "include",
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "truncation",
        "user",
    }
)


def is_responses_body(body: dict[str, Json]) -> bool:
    """Whether it has the form of a Responses request, whatever path it came by."""
    return body.get("input") is not None and body.get("messages") is None


def parse_responses(body: dict[str, Json]) -> tuple[ChatRequest, Common]:
    """Raises `InvalidRequest` naming the field."""
    common = take_common(body)
    rest = common.parameters
    _refuse_memory(rest)
    messages = parse_input(rest.pop("input", None), take(rest, "instructions", str))
    own, others = callers_own(take(rest, "tools", list) or [])
    tools, wanted = narrow(parse_tools(own), rest.pop("tool_choice", None))
    choice = parse_tool_choice(wanted) if tools else None
    parameters = _parameters(rest)
    if tools and rest.get("parallel_tool_calls") is False:
        parameters["parallel_tool_calls"] = False
    ignored = [*(f"tools.{kind}" for kind in others), *(name for name in rest if name not in _WITHOUT_EFFECT)]
    chat = ChatRequest(common.model, messages, common.stream, common.include_usage, tools, choice, parameters)
    return chat, replace(common, ignored=(*common.ignored, *ignored))


def _refuse_memory(rest: dict[str, Json]) -> None:
    """Nothing is stored here, so that nothing can be referred to."""
    for name in _STORED:
        if name in rest:
            raise InvalidRequest(
                f"`{name}` refers to something stored, and nothing is stored here; send the whole conversation as "
                "`input` each time.",
                param=name,
                code="unsupported_parameter",
            )
    if rest.get("background"):
        raise InvalidRequest("`background` needs answers to be stored, which they are not here.", param="background")


def _parameters(rest: dict[str, Json]) -> dict[str, Json]:
    """The parameters by their names in chat, taken out of `rest`."""
    if rest.get("metadata") is not None:
        check(rest["metadata"], dict, "metadata")
    if rest.get("parallel_tool_calls") is not None:
        check(rest["parallel_tool_calls"], bool, "parallel_tool_calls")
    number_within(rest, "max_output_tokens", int, 1, 10**9)
    parameters = {name: rest.pop(name) for name in _SAMPLING if name in rest}
    if "max_output_tokens" in rest:
        parameters["max_tokens"] = rest.pop("max_output_tokens")
    effort = take(dict(take(rest, "reasoning", dict) or {}), "effort", str, path="reasoning.effort")
    if effort is not None:
        parameters["reasoning_effort"] = effort
    text = dict(take(rest, "text", dict) or {})
    if (wanted := _response_format(take(text, "format", dict, path="text.format") or {})) is not None:
        parameters["response_format"] = wanted
    if (verbosity := take(text, "verbosity", str, path="text.verbosity")) is not None:
        parameters["verbosity"] = verbosity
    return parameters


def _response_format(wanted: dict[str, Json]) -> Json:
    match wanted.get("type", "text"):
        case "text":
            return None
        case "json_object":
            return {"type": "json_object"}
        case "json_schema":
            schema = {name: value for name, value in wanted.items() if name != "type" and value is not None}
            check(schema.get("schema"), dict, "text.format.schema")
            return {"type": "json_schema", "json_schema": {"name": "answer", **schema}}
    raise invalid("text.format.type", "must be text, json_object or json_schema")
